import { UpdateTask } from '@taai/contracts';
import { taskTool } from './task-tool';

export const updateTask = taskTool({
  description: 'Changes fields of a task, and answers with it as it is then. Fields that are not given stay.',
  input: UpdateTask,
  narrowed: { minProperties: 2 },
  // It would undo what a person changed in the meantime, and tell of a change once more.
  is_repeatable: false,
  execute: (input, tasks, options) => tasks.update(input, options),
});
