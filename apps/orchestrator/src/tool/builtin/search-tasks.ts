import { limits, ListTasks, type PageOf, type Task } from '@taai/contracts';
import { sizeOf } from '../tool-result';
import { taskTool } from './task-tool';

/** Of each task: the whole text is read with a smaller `limit`. */
const MAX_DESCRIPTION = 2000;

/** What stands around the tasks in a result. */
const FRAME_BYTES = 1024;

export const searchTasks = taskTool({
  description:
    'Finds tasks, newest first. All filters given must match. `next_cursor`, if it is not null, leads on as `cursor`.',
  input: ListTasks,
  narrowed: { properties: { limit: { maximum: 50 } } },
  is_repeatable: true,
  execute: async (input, tasks, options) => fitting(await tasks.list(input, options)),
});

/** With long descriptions cut, and the last tasks left out where the result would be too large: then a smaller `limit` must be asked for. */
function fitting({ data, ...rest }: PageOf<Task>): PageOf<Task> & { note?: string } {
  const short = data.map((task) => ({ ...task, description: cutDescription(task) }));
  let bytes = FRAME_BYTES;
  const end = short.findIndex((task) => (bytes += sizeOf(task) + 1) > limits.toolResultBytes);
  if (end < 0) return { data: short, ...rest };
  return { data: short.slice(0, end), ...rest, note: `Only ${end} tasks fit: ask again with this limit.` };
}

const cutDescription = ({ description }: Task) =>
  description && description.length > MAX_DESCRIPTION
    ? `${description.slice(0, MAX_DESCRIPTION).toWellFormed()}…`
    : description;
