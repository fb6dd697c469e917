import { Injectable } from '@nestjs/common';
import {
  limits,
  readTimestamp,
  type ById,
  type CreateTask,
  type ListTasks,
  type PageOf,
  type Task,
  type UpdateTask,
} from '@taai/contracts';
import { emit, eventRow, idAfter, toFittingPage, toPage, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { TaskRepository } from './task.repository';
import { changedTask, eventsOf, newTask } from './task.rules';

/** UTF-16 units of text: six bytes of JSON each at most, and a reply carries 1.4 MB. */
const LIGHT = 200_000;

/** Whether the rows surely fit a reply: weighing each would cost ordinary lists more than reading them. */
const isLight = (rows: Task[]) =>
  rows.reduce(
    (sum, { title, description, labels }) =>
      sum + title.length + (description?.length ?? 0) + labels.length * limits.taskLabelCharacters,
    0,
  ) < LIGHT;

@Injectable()
export class TaskService {
  constructor(
    private readonly db: DataSource,
    private readonly tasks: TaskRepository,
  ) {}

  /** Task and event are one statement: creation is a hot path. */
  create(input: CreateTask): Promise<Task> {
    const task = newTask(input, currentCaller().user_id ?? null, new Date());
    return this.tasks.insert(task, eventRow('task.created', { ...task }));
  }

  async list({ limit, cursor, due_before, ...filters }: ListTasks): Promise<PageOf<Task>> {
    const due = due_before === undefined ? undefined : readTimestamp('due_before', due_before);
    const rows = await this.tasks.list({ ...filters, due_before: due, after: idAfter(cursor) }, limit + 1);
    return isLight(rows) ? toPage(rows, limit, ({ id }) => [id]) : toFittingPage(rows, limit);
  }

  get({ id }: ById): Promise<Task> {
    return this.tasks.get(id);
  }

  update(input: UpdateTask): Promise<Task> {
    return withTenant(this.db, async (tx) => {
      const before = await this.tasks.lock(tx, input.id);
      const after = changedTask(before, input, new Date());
      await this.tasks.update(tx, after);
      for (const type of eventsOf(before, after)) await emit(tx, type, { ...after });
      return after;
    });
  }

  async remove({ id }: ById): Promise<void> {
    await this.tasks.remove(id, eventRow('task.deleted', { id }));
  }
}
