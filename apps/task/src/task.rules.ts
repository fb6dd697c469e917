import { readTimestamp, unsetTaskFields, type CreateTask, type Task, type UpdateTask } from '@taai/contracts';
import { v7 } from 'uuid';

/** Makes a new task of what a client gives. Throws `validation_failed`. */
export function newTask(input: CreateTask, created_by: string | null, now: Date): Task {
  const at = now.toISOString();
  const { title, ...given } = inUtc(input);
  // In the order in which it will be read.
  const fields = { title, ...unsetTaskFields, ...given };
  const completed_at = fields.status === 'done' ? at : null;
  return { id: v7(), ...fields, created_by, created_at: at, updated_at: at, completed_at };
}

/** Makes the task after a change: a field that is not given stays as it was. Throws `validation_failed`. */
export function changedTask(task: Task, change: UpdateTask, now: Date): Task {
  const at = now.toISOString();
  const changed = { ...task, ...inUtc(change), updated_at: at };
  return { ...changed, completed_at: changed.status === 'done' ? (task.completed_at ?? at) : null };
}

/** The types of the events that tell of a change, in their order. */
export const eventsOf = (before: Task, after: Task): ('task.updated' | 'task.completed')[] =>
  after.status === 'done' && before.status !== 'done' ? ['task.updated', 'task.completed'] : ['task.updated'];

/** A client's fields, with the times (whose names end in `_at`) in UTC to the millisecond. Throws `validation_failed`. */
function inUtc<Fields extends object>(fields: Fields): Fields {
  const copy = { ...fields };
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (name.endsWith('_at') && typeof value === 'string') Object.assign(copy, { [name]: readTimestamp(name, value) });
  }
  return copy;
}
