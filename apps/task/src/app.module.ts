import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readDatabaseConfig } from '@taai/platform';
import { TaskHandler } from './task.handler';
import { TaskRepository } from './task.repository';
import { TaskService } from './task.service';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [TaskHandler],
  providers: [TaskService, TaskRepository],
})
export class AppModule {}
