import { taskContract, type ById, type CreateTask, type ListTasks, type UpdateTask } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { TaskService } from './task.service';

@Handles(taskContract)
export class TaskHandler {
  constructor(private readonly tasks: TaskService) {}

  create(input: CreateTask) {
    return this.tasks.create(input);
  }

  list(input: ListTasks) {
    return this.tasks.list(input);
  }

  get(input: ById) {
    return this.tasks.get(input);
  }

  update(input: UpdateTask) {
    return this.tasks.update(input);
  }

  remove(input: ById) {
    return this.tasks.remove(input);
  }
}
