import { Injectable } from '@nestjs/common';
import { notFound, type CreateTask, type DomainEvent, type Task } from '@taai/contracts';
import { emit, once, RlsPool, violatedConstraint, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { eventsOf, invalidField } from './task.rules';

/** What a list may be narrowed to. */
export interface TaskFilters {
  status?: string;
  priority?: string;
  assignee_id?: string;
  label?: string;
  /** RFC 3339; tasks without a due date are not due before anything. */
  due_before?: string;
  /** The id that the page goes on after. */
  after?: string;
}

const utc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;

// The contract's Task as it goes onto the wire: a third more lists a second than with dates and arrays that the driver parses.
const TASK = `
  id, title, description, status, priority, ${utc('due_at')}, assignee_id, to_json(labels) as labels, created_by,
  ${utc('created_at')}, ${utc('updated_at')}, ${utc('completed_at')}`;

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
  )
  insert into outbox (tenant_id, id, type, payload) select tenant_id, $2::uuid, $3, $4::jsonb from removed
  returning id`;

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
    const [task] = await this.rls.query<Task>('task.get', FIND, [id]);
    if (!task) throw notFound('task');
    return task;
  }

  /** Newest first, at most `limit`. */
  list(filters: TaskFilters, limit: number): Promise<Task[]> {
    const asked = (Object.keys(CONDITIONS) as (keyof TaskFilters)[]).filter((name) => filters[name] !== undefined);
    const conditions = asked.map((name, index) => `and ${CONDITIONS[name](`$${index + 2}`)}`);
    const sql = `select ${TASK} from tasks where deleted_at is null ${conditions.join(' ')} order by id desc limit $1`;
    return this.rls.query<Task>(`task.list ${asked.join()}`, sql, [limit, ...asked.map((name) => filters[name])]);
  }

  /** Replaces a task by what `revise` makes of it, and tells of it. Throws `not_found`, `validation_failed`, and what `revise` does. */
  change(id: string, revise: (task: Task) => Task): Promise<Task> {
    return withTenant(this.dataSource, async (tx) => {
      const [before] = await tx.query<Task[]>(`${FIND} for update`, [id]);
      if (!before) throw notFound('task');
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

function insertParams(task: Task): unknown[] {
  const { id, title, description, status, priority, due_at, assignee_id, labels, created_by } = task;
  const columns = [id, title, description, status, priority, due_at, assignee_id, labels, created_by];
  const times = [task.created_at, task.updated_at, task.completed_at];
  return [currentCaller().tenant_id, ...columns, ...times, ...eventParams('task.created', { ...task })];
}

/** Id, type and payload of an outbox row. */
function eventParams(type: DomainEvent['type'], data: DomainEvent['data']): unknown[] {
  const { tenant_id } = currentCaller();
  const event: DomainEvent = { id: v7(), type, created_at: new Date().toISOString(), tenant_id, data };
  return [event.id, type, JSON.stringify(event)];
}

function explain(error: unknown): never {
  if (violatedConstraint(error) === 'tasks_assignee_id_fkey')
    throw invalidField('assignee_id', 'is no user of the tenant');
  throw error;
}
