import {
  hasEnded,
  runStatuses,
  toolExecutionStatuses,
  type RunStatus,
  type ToolExecutionStatus,
} from '@taai/contracts';
import { withTenant, type Tx } from '@taai/entities';
import { v7 } from 'uuid';
import { newAgent, startStage, type Replica, type Stage, type User } from '../replica.testing';
import { runStates } from './run-states';

let stage: Stage;
let replica: Replica;
let user: User;
let run_id: string;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica({ slots: 0 });
  user = await stage.newUser();
  const agent = await newAgent(user, replica, stage);
  run_id = (await user.as(() => replica.starter.start({ id: agent.id, input: 'Hello' }))).id;
});
afterAll(() => stage.close());

const write = <T>(work: (tx: Tx) => Promise<T>) => user.as(() => withTenant(stage.source, work));

/** Tries to make each state follow each state; resolves to the pairs where that worked. Elsewhere the state must stay. */
async function walk<S extends string>(
  states: readonly S[],
  {
    set,
    move,
    read,
  }: { set: (from: S) => Promise<unknown>; move: (to: S) => Promise<unknown>; read: () => Promise<S> },
): Promise<string[]> {
  const passed: string[] = [];
  for (const [from, to] of states.flatMap((one) => states.map((other) => [one, other] as const))) {
    await set(from);
    const moved = await move(to).catch(() => false);
    if (moved !== false) passed.push(`${from} → ${to}`);
    expect(await read()).toBe(moved === false ? from : to);
  }
  return passed;
}

it('a run passes through its states in no other way than these', async () => {
  const set = (status: RunStatus) =>
    stage.admin.query(`update agent_runs set status = $2, lease_owner = $3 where id = $1`, [
      run_id,
      status,
      replica.holder.runs.owner,
    ]);
  const read = async () => {
    const sql = 'select status from agent_runs where id = $1';
    return (await stage.admin.query<{ status: RunStatus }>(sql, [run_id])).rows[0]?.status ?? 'queued';
  };
  const { runs } = replica.holder;
  const ending = {
    output: null,
    error_code: null,
    error_detail: null,
    usage: null,
    stop_reason: null,
    step: 0,
    last_event_id: 1,
  };
  const moves: Record<RunStatus, (tx: Tx) => Promise<unknown>> = {
    queued: () => Promise.reject(new Error('No statement puts a run back into the queue.')),
    running: (tx) => runs.take(tx, run_id),
    waiting_approval: (tx) => runs.pause(tx, run_id, { remaining_ms: 1, last_event_id: 1 }),
    completed: (tx) => runs.finish(tx, run_id, { status: 'completed', ...ending }),
    failed: (tx) => runs.finish(tx, run_id, { status: 'failed', ...ending }),
    cancelled: (tx) => runs.finish(tx, run_id, { status: 'cancelled', ...ending }),
  };
  expect(await walk(runStatuses, { set, read, move: (to) => write(moves[to]) })).toEqual([
    'queued → running',
    'queued → cancelled',
    'running → running',
    'running → waiting_approval',
    'running → completed',
    'running → failed',
    'running → cancelled',
    'waiting_approval → running',
  ]);
});

it('a tool call passes through its states in no other way than these; an outcome may be written twice', async () => {
  const id = v7();
  const call = {
    id,
    run_id,
    tool_name: 'one',
    tool_call_id: 'a',
    step: 1,
    position: 0,
    arguments: {},
    separate_approver: false,
  };
  await stage.admin.query(
    `insert into tool_executions select e.* from jsonb_populate_record(null::tool_executions, $1) e`,
    [{ ...call, tenant_id: user.tenant_id, status: 'pending', created_at: new Date() }],
  );
  const set = (status: ToolExecutionStatus) =>
    stage.admin.query('update tool_executions set status = $2 where id = $1', [id, status]);
  const read = async () => {
    const sql = 'select status from tool_executions where id = $1';
    return (await stage.admin.query<{ status: ToolExecutionStatus }>(sql, [id])).rows[0]?.status ?? 'pending';
  };
  const { steps } = replica.holder;
  const settle = (status: 'completed' | 'failed') => (tx: Tx) =>
    steps.settle(tx, id, { status, result: null, error_code: null, error_detail: null, result_event_id: 1 });
  const moves: Record<ToolExecutionStatus, (tx: Tx) => Promise<unknown>> = {
    pending: (tx) => steps.decide(tx, id, 'pending', null),
    waiting_approval: () => Promise.reject(new Error('No statement makes a call wait that did not.')),
    running: (tx) => steps.begin(tx, id),
    completed: settle('completed'),
    failed: settle('failed'),
    rejected: (tx) => steps.decide(tx, id, 'rejected', null),
  };
  expect(await walk(toolExecutionStatuses, { set, read, move: (to) => write(moves[to]) })).toEqual([
    'pending → running',
    'pending → failed',
    'waiting_approval → pending',
    'waiting_approval → failed',
    'waiting_approval → rejected',
    'running → running',
    'running → completed',
    'running → failed',
    'completed → completed',
    'failed → failed',
  ]);
});

it('a run is open as long as clients are told that it has not ended', async () => {
  for (const status of runStatuses) {
    const sql = `select from (select $1::text as status) as run where ${runStates.isOpen()}`;
    expect((await stage.admin.query(sql, [status])).rowCount).toBe(hasEnded({ status }) ? 0 : 1);
  }
});
