import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readDatabaseConfig, readOutboundConfig } from '@taai/platform';
import { OrchestratorModule } from './orchestrator.module';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig()), OrchestratorModule.forRoot(readOutboundConfig())],
})
export class AppModule {}
