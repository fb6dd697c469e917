import { CreateTask } from '@taai/contracts';
import { taskTool } from './task-tool';

export const createTask = taskTool({
  description: 'Creates a task, and answers with it as it was created.',
  input: CreateTask,
  // By the execution's id, which goes along as the Idempotency-Key.
  is_repeatable: true,
  execute: (input, tasks, options) => tasks.create(input, options),
});
