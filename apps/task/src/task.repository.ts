import { Injectable } from '@nestjs/common';
import {
  invalidField,
  notFound,
  type CreateTask,
  type DomainEvent,
  type EventType,
  type OutboxData,
  type Task,
} from '@taai/contracts';
import { emit, once, RlsPool, violatedConstraint, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { eventsOf } from './task.rules';

/** What a list may be narrowed to. */
interface TaskFilters {
  status?: string;
  priority?: string;
  assignee_id?: string;
  label?: string;
  /** RFC 3339; tasks without a due date are not due before anything. */
  due_before?: string;
  /** The id that the page goes on after. */
  after?: string;
}

const utc = (column: string) => `(${column} at time zone 'UTC')::text as ${column}`;

// Times as PostgreSQL writes them, and labels as JSON: both cost it less than to_char, and us less than what the driver parses.
const TASK = `
  id, title, description, status, priority, ${utc('due_at')}, assignee_id, to_json(labels) as labels, created_by,
  ${utc('created_at')}, ${utc('updated_at')}, ${utc('completed_at')}`;

type TaskRow = Omit<Task, 'due_at' | 'created_at' | 'updated_at' | 'completed_at'> & {
  due_at: string | null;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
};

const FIND = `select ${TASK} from tasks where id = $1 and deleted_at is null`;

/** Task and event in one statement: both or neither. */
const INSERT = `
  with task as (
    insert into tasks (tenant_id, id, title, description, status, priority, due_at, assignee_id, labels, created_by,
      created_at, updated_at, completed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
  )
  insert into outbox (tenant_id, id, type, payload) values ($1, $14, $15, $16)`;

const UPDATE = `
  update tasks set title = $2, description = $3, status = $4, priority = $5, due_at = $6, assignee_id = $7, labels = $8,
    updated_at = $9, completed_at = $10
  where id = $1`;

const REMOVE = `
  with removed as (
    update tasks set deleted_at = now(), updated_at = now() where id = $1 and deleted_at is null returning tenant_id
  ), event as (
    insert into outbox (tenant_id, id, type, payload) select tenant_id, $2::uuid, $3, $4::jsonb from removed
  )
  select from removed`;

const CONDITIONS: Record<keyof TaskFilters, (value: string) => string> = {
  status: (value) => `status = ${value}`,
  priority: (value) => `priority = ${value}`,
  assignee_id: (value) => `assignee_id = ${value}`,
  label: (value) => `labels @> array[${value}]`,
  due_before: (value) => `due_at < ${value}`,
  after: (value) => `id < ${value}`,
};

/** The tasks of the caller's tenant. A deleted one is kept, and found by nothing here. */
@Injectable()
export class TaskRepository {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Throws `validation_failed` for an assignee who is no user of the tenant. */
  async insert(task: Task): Promise<Task> {
    await this.rls.query('task.insert', INSERT, insertParams(task)).catch(explain);
    return task;
  }

  /** The same, once per Idempotency-Key: later resolves to the task of then. Throws what `idempotent` does, too. */
  insertOnce(task: Task, input: CreateTask): Promise<Task> {
    return withTenant(this.dataSource, (tx) =>
      once(tx, 'task.create', input, async () => {
        await tx.query(INSERT, insertParams(task)).catch(explain);
        return task;
      }),
    );
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<Task> {
    const [row] = await this.rls.query<TaskRow>('task.get', FIND, [id]);
    if (!row) throw notFound('task');
    return toTask(row);
  }

  /** Newest first, at most `limit`. */
  async list(filters: TaskFilters, limit: number): Promise<Task[]> {
    const asked = (Object.keys(CONDITIONS) as (keyof TaskFilters)[]).filter((name) => filters[name] !== undefined);
    const conditions = asked.map((name, index) => `and ${CONDITIONS[name](`$${index + 2}`)}`);
    const sql = `select ${TASK} from tasks where deleted_at is null ${conditions.join(' ')} order by id desc limit $1`;
    const params = [limit, ...asked.map((name) => filters[name])];
    return (await this.rls.query<TaskRow>(`task.list ${asked.join()}`, sql, params)).map(toTask);
  }

  /** Replaces a task by what `revise` makes of it, and tells of it. Throws `not_found`, `validation_failed`, and what `revise` does. */
  change(id: string, revise: (task: Task) => Task): Promise<Task> {
    return withTenant(this.dataSource, async (tx) => {
      const [row] = await tx.query<TaskRow[]>(`${FIND} for update`, [id]);
      if (!row) throw notFound('task');
      const before = toTask(row);
      const after = revise(before);
      const { title, description, status, priority, due_at, assignee_id, labels, updated_at, completed_at } = after;
      const values = [title, description, status, priority, due_at, assignee_id, labels, updated_at, completed_at];
      await tx.query(UPDATE, [id, ...values]).catch(explain);
      for (const type of eventsOf(before, after)) await emit(tx, type, { ...after });
      return after;
    });
  }

  /** Throws `not_found`, the second time too. */
  async remove(id: string): Promise<void> {
    const removed = await this.rls.query('task.remove', REMOVE, [id, ...eventParams('task.deleted', { id })]);
    if (removed.length === 0) throw notFound('task');
  }
}

/** `2026-01-31 12:00:00.5` as `2026-01-31T12:00:00.500Z`. */
const rfc3339 = (text: string) => `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, 23).padEnd(3, '0')}Z`;

const orNull = (text: string | null) => text && rfc3339(text);

/** Rewrites the row in place: lists are the hottest path of the house. */
const toTask = (row: TaskRow): Task =>
  Object.assign(row, {
    due_at: orNull(row.due_at),
    created_at: rfc3339(row.created_at),
    updated_at: rfc3339(row.updated_at),
    completed_at: orNull(row.completed_at),
  });

function insertParams(task: Task): unknown[] {
  const { id, title, description, status, priority, due_at, assignee_id, labels, created_by } = task;
  const columns = [id, title, description, status, priority, due_at, assignee_id, labels, created_by];
  const times = [task.created_at, task.updated_at, task.completed_at];
  return [currentCaller().tenant_id, ...columns, ...times, ...eventParams('task.created', { ...task })];
}

/** Id, type and payload of an outbox row. */
function eventParams<T extends EventType>(type: T, data: OutboxData[T]): unknown[] {
  const { tenant_id } = currentCaller();
  const event: DomainEvent<T> = { id: v7(), type, created_at: new Date().toISOString(), tenant_id, data };
  return [event.id, type, JSON.stringify(event)];
}

function explain(error: unknown): never {
  if (violatedConstraint(error) === 'tasks_assignee_id_fkey')
    throw invalidField('assignee_id', 'is no user of the tenant');
  throw error;
}
