import { Inject, Injectable } from '@nestjs/common';
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
import { idAfter, toFittingPage, toPage } from '@taai/entities';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { currentCaller, currentContext } from '@taai/tenant';
import { TaskRepository } from './task.repository';
import { changedTask, newTask } from './task.rules';

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
    private readonly tasks: TaskRepository,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {}

  async create(input: CreateTask): Promise<Task> {
    const task = newTask(input, currentCaller().user_id ?? null, new Date());
    const isOnce = currentContext()?.idempotency_key !== undefined;
    const created = await (isOnce ? this.tasks.insertOnce(task, input) : this.tasks.insert(task));
    wakeRelay(this.redis);
    return created;
  }

  async list({ limit = 20, cursor, due_before, ...filters }: ListTasks): Promise<PageOf<Task>> {
    const due = due_before === undefined ? undefined : readTimestamp('due_before', due_before);
    const rows = await this.tasks.list({ ...filters, due_before: due, after: idAfter(cursor) }, limit + 1);
    return isLight(rows) ? toPage(rows, limit, ({ id }) => [id]) : toFittingPage(rows, limit);
  }

  get({ id }: ById): Promise<Task> {
    return this.tasks.get(id);
  }

  async update(input: UpdateTask): Promise<Task> {
    const task = await this.tasks.change(input.id, (task) => changedTask(task, input, new Date()));
    wakeRelay(this.redis);
    return task;
  }

  async remove({ id }: ById): Promise<void> {
    await this.tasks.remove(id);
    wakeRelay(this.redis);
  }
}
