import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { outboxWaker, readDatabaseConfig } from '@taai/platform';
import { readOrchestratorConfig } from './config';
import { OrchestratorModule } from './orchestrator.module';

@Module({
  imports: [
    DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker),
    OrchestratorModule.forRoot(readOrchestratorConfig()),
  ],
})
export class AppModule {}
