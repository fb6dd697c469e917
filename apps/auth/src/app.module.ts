import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { outboxWaker, readDatabaseConfig } from '@taai/platform';
import { AuthModule } from './auth.module';
import { readAuthConfig } from './config';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker), AuthModule.forRoot(readAuthConfig())],
})
export class AppModule {}
