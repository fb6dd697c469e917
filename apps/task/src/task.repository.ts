import { Injectable } from '@nestjs/common';
import { invalidField, notFound, type Task } from '@taai/contracts';
import { filtered, RlsPool, sql, violatedConstraint, type EventRow, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';

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

const FIND = sql(`select ${TASK} from tasks where id = $1 and deleted_at is null`);
const LOCK = sql(`${FIND} for update`);

/** Task and event in one statement: both or neither. */
const INSERT = sql(`
  with task as (
    insert into tasks (tenant_id, id, title, description, status, priority, due_at, assignee_id, labels, created_by,
      created_at, updated_at, completed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
  )
  insert into outbox (tenant_id, id, type, payload) values ($1, $14, $15, $16)`);

const UPDATE = sql(`
  update tasks set title = $2, description = $3, status = $4, priority = $5, due_at = $6, assignee_id = $7, labels = $8,
    updated_at = $9, completed_at = $10
  where id = $1`);

const REMOVE = sql(`
  with removed as (
    update tasks set deleted_at = now(), updated_at = now() where id = $1 and deleted_at is null returning tenant_id
  ), event as (
    insert into outbox (tenant_id, id, type, payload) select tenant_id, $2::uuid, $3, $4::jsonb from removed
  )
  select from removed`);

const list = filtered<TaskFilters>(
  `select ${TASK} from tasks where deleted_at is null`,
  {
    status: (value) => `status = ${value}`,
    priority: (value) => `priority = ${value}`,
    assignee_id: (value) => `assignee_id = ${value}`,
    label: (value) => `labels @> array[${value}]`,
    due_before: (value) => `due_at < ${value}`,
    after: (value) => `id < ${value}`,
  },
  'order by id desc limit $1',
);

/** The tasks of the caller's tenant. A deleted one is kept, and found by nothing here. */
@Injectable()
export class TaskRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Throws `validation_failed` for an assignee who is no user of the tenant. */
  insert(task: Task, event: EventRow): Promise<Task> {
    return this.rls.insert(INSERT, [...insertParams(task), ...event], task).catch(explain);
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<Task> {
    const [row] = await this.rls.read<TaskRow>(FIND, [id]);
    if (!row) throw notFound('task');
    return toTask(row);
  }

  /** Newest first, at most `limit`. */
  async list(filters: TaskFilters, limit: number): Promise<Task[]> {
    return (await this.rls.read<TaskRow>(...list(filters, limit))).map(toTask);
  }

  /** The task, which nobody else changes until the transaction ends. Throws `not_found`. */
  async lock(tx: Tx, id: string): Promise<Task> {
    const [row] = await tx.read<TaskRow>(LOCK, [id]);
    if (!row) throw notFound('task');
    return toTask(row);
  }

  /** Throws `validation_failed` for an assignee who is no user of the tenant. */
  async update(tx: Tx, task: Task): Promise<void> {
    const { id, title, description, status, priority, due_at, assignee_id, labels, updated_at, completed_at } = task;
    const values = [title, description, status, priority, due_at, assignee_id, labels, updated_at, completed_at];
    await tx.write(UPDATE, [id, ...values]).catch(explain);
  }

  /** Throws `not_found`, the second time too. */
  async remove(id: string, event: EventRow): Promise<void> {
    const removed = await this.rls.write(REMOVE, [id, ...event]);
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
  return [currentCaller().tenant_id, ...columns, ...times];
}

function explain(error: unknown): never {
  if (violatedConstraint(error) === 'tasks_assignee_id_fkey')
    throw invalidField('assignee_id', 'is no user of the tenant');
  throw error;
}
