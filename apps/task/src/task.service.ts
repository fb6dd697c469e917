import { Inject, Injectable } from '@nestjs/common';
import type { ById, CreateTask, ListTasks, PageOf, Task, UpdateTask } from '@taai/contracts';
import { idAfter, toPage } from '@taai/entities';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { currentCaller, currentContext } from '@taai/tenant';
import { TaskRepository } from './task.repository';
import { changedTask, newTask, readTimestamp } from './task.rules';

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
    return toPage(rows, limit, ({ id }) => [id]);
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
