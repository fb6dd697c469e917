import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readDatabaseConfig, outboxWaker } from '@taai/platform';
import { JobHandler } from './job.handler';
import { TaskHandler } from './task.handler';
import { TaskRepository } from './task.repository';
import { TaskService } from './task.service';
import { TenantDataHandler } from './tenant-data.handler';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker)],
  controllers: [TaskHandler, JobHandler, TenantDataHandler],
  providers: [TaskService, TaskRepository],
})
export class AppModule {}
