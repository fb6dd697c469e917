import { readTimestamp, type CreateTask, type Task, type UpdateTask } from '@taai/contracts';
import { v7 } from 'uuid';

const readDueAt = (text: string | null) => text && readTimestamp('due_at', text);

/** A task as it is born. Throws `validation_failed`. */
export function newTask(input: CreateTask, created_by: string | null, now: Date): Task {
  const at = now.toISOString();
  const { title, description = null, status = 'todo', priority = 'medium', assignee_id = null, labels = [] } = input;
  return {
    id: v7(),
    title,
    description,
    status,
    priority,
    due_at: readDueAt(input.due_at ?? null),
    assignee_id,
    labels,
    created_by,
    created_at: at,
    updated_at: at,
    completed_at: status === 'done' ? at : null,
  };
}

const keepUnless = <T>(old: T, given: T | undefined): T => (given === undefined ? old : given);

/** The task after a change; a field that is not given stays. Throws `validation_failed`. */
export function changedTask(task: Task, change: UpdateTask, now: Date): Task {
  const at = now.toISOString();
  const status = keepUnless(task.status, change.status);
  return {
    ...task,
    title: keepUnless(task.title, change.title),
    description: keepUnless(task.description, change.description),
    status,
    priority: keepUnless(task.priority, change.priority),
    due_at: change.due_at === undefined ? task.due_at : readDueAt(change.due_at),
    assignee_id: keepUnless(task.assignee_id, change.assignee_id),
    labels: keepUnless(task.labels, change.labels),
    updated_at: at,
    completed_at: status === 'done' ? (task.completed_at ?? at) : null,
  };
}

/** What a change tells the world. */
export const eventsOf = (before: Task, after: Task): ('task.updated' | 'task.completed')[] =>
  after.status === 'done' && before.status !== 'done' ? ['task.updated', 'task.completed'] : ['task.updated'];
