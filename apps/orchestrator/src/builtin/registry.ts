import type { BuiltinTool } from './builtin-tool';
import { calculator } from './calculator';
import { createTask } from './create-task';
import { currentTime } from './current-time';
import { searchTasks } from './search-tasks';
import { updateTask } from './update-task';

/** By the name that a tool's config gives. */
export const builtins: ReadonlyMap<string, BuiltinTool> = new Map([
  ['create_task', createTask],
  ['search_tasks', searchTasks],
  ['update_task', updateTask],
  ['current_time', currentTime],
  ['calculator', calculator],
]);
