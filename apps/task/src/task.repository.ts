import { Injectable } from '@nestjs/common';
import { found, invalidField, notFound, type ListTasks, type PageQuery, type Task } from '@taai/contracts';
import { filtered, RlsPool, sql, violatedConstraint, type EventRow, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';

/** What a list may be narrowed to. `due_before` is in UTC; tasks without a due date are not due before anything. */
interface TaskFilters extends Omit<ListTasks, keyof PageQuery> {
  /** The id that the page goes on after. */
  after?: string;
}

const utc = (column: string) => `(${column} at time zone 'UTC')::text as ${column}`;

/**
 * How the columns are read, in the order in which a task has them. Times are read as PostgreSQL writes them, and labels as
 * JSON: both cost it less than to_char, and us less than what the driver parses.
 */
const shown: Record<keyof Task, string> = {
  id: 'id',
  title: 'title',
  description: 'description',
  status: 'status',
  priority: 'priority',
  due_at: utc('due_at'),
  assignee_id: 'assignee_id',
  labels: 'to_json(labels) as labels',
  created_by: 'created_by',
  created_at: utc('created_at'),
  updated_at: utc('updated_at'),
  completed_at: utc('completed_at'),
};

type Time = Extract<keyof Task, `${string}_at`>;
/** With times as in `2026-01-31 12:00:00.5`. */
type TaskRow = Omit<Task, Time> & Record<Time, string | null>;

const columns = Object.keys(shown) as (keyof Task)[];
const times = columns.filter((name): name is Time => name.endsWith('_at'));
const changeable = columns.filter((name) => !['id', 'created_by', 'created_at'].includes(name));
const TASK = Object.values(shown).join(', ');

const FIND = sql(`select ${TASK} from tasks where id = $1 and deleted_at is null`);
const LOCK = sql(`${FIND} for update`);

/** Task and event in one statement: both or neither. Parameters: the tenant, the event, the task's columns. */
const INSERT = sql(`
  with task as (
    insert into tasks (tenant_id, ${columns.join(', ')}) values ($1, ${columns.map((_, index) => `$${index + 5}`).join(', ')})
  )
  insert into outbox (tenant_id, id, type, payload) values ($1, $2, $3, $4)`);

const UPDATE = sql(`
  update tasks set ${changeable.map((name, index) => `${name} = $${index + 2}`).join(', ')} where id = $1`);

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
    const values = columns.map((name) => task[name]);
    return this.rls.insert(INSERT, [currentCaller().tenant_id, ...event, ...values], task).catch(explain);
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<Task> {
    const [row] = await this.rls.read<TaskRow>(FIND, [id]);
    return toTask(found('task', row));
  }

  /** Newest first, at most `limit`. */
  async list(filters: TaskFilters, limit: number): Promise<Task[]> {
    return (await this.rls.read<TaskRow>(...list(filters, limit))).map(toTask);
  }

  /** The task, which nobody else changes until the transaction ends. Throws `not_found`. */
  async lock(tx: Tx, id: string): Promise<Task> {
    const [row] = await tx.read<TaskRow>(LOCK, [id]);
    return toTask(found('task', row));
  }

  /** Throws `validation_failed` for an assignee who is no user of the tenant. */
  async update(tx: Tx, task: Task): Promise<void> {
    await tx.write(UPDATE, [task.id, ...changeable.map((name) => task[name])]).catch(explain);
  }

  /** Throws `not_found`, the second time too. */
  async remove(id: string, event: EventRow): Promise<void> {
    const removed = await this.rls.write(REMOVE, [id, ...event]);
    if (removed.length === 0) throw notFound('task');
  }
}

/** Rewrites the row in place: lists are the hottest path of the house. */
function toTask(row: TaskRow): Task {
  for (const name of times) row[name] = row[name] && rfc3339(row[name]);
  return row as Task;
}

/** `2026-01-31 12:00:00.5` as `2026-01-31T12:00:00.500Z`. */
const rfc3339 = (text: string) => `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, 23).padEnd(3, '0')}Z`;

function explain(error: unknown): never {
  if (violatedConstraint(error) === 'tasks_assignee_id_fkey')
    throw invalidField('assignee_id', 'is no user of the tenant');
  throw error;
}
