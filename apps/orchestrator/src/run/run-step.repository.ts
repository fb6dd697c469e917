import { Injectable } from '@nestjs/common';
import type { ToolExecutionStatus } from '@taai/contracts';
import { sql, type Reader, type Tx } from '@taai/entities';
import { toolCallStates } from './run-states';
import type { Execution, Settlement, Step, ToolOutcome } from './run-step';
import { storableJson } from '../json/storable';

const EXECUTION = `id, run_id, tool_id, tool_name, tool_call_id, step, position, arguments, status, result, error_code, error_detail,
  call_event_id, approval_event_id, result_event_id, separate_approver, decided_by, decided_at, created_at, started_at, finished_at`;

type Decision = 'pending' | 'rejected';

const isWaiting = toolCallStates.in('waiting_approval');

const STEPS = sql(`
  select run_id, step, output, tool_calls, usage, last_event_id from run_steps where run_id = any($1::uuid[]) order by step`);
const EXECUTIONS = sql(`
  select ${EXECUTION} from tool_executions where run_id = any($1::uuid[]) order by step, position`);
const FIND = sql(`select ${EXECUTION} from tool_executions where run_id = $1 and tool_call_id = $2`);

const INSERT_STEP = sql(`
  insert into run_steps (tenant_id, run_id, step, output, tool_calls, usage, last_event_id)
  values ($1, $2, $3, $4, $5, $6, $7)`);

const INSERT_EXECUTIONS = sql(`
  insert into tool_executions (tenant_id, id, run_id, tool_id, tool_name, tool_call_id, step, position, arguments, status,
    error_code, error_detail, call_event_id, approval_event_id, separate_approver)
  select $1, e.id, e.run_id, e.tool_id, e.tool_name, e.tool_call_id, e.step, e.position, e.arguments, e.status,
    e.error_code, e.error_detail, e.call_event_id, e.approval_event_id, e.separate_approver
  from jsonb_populate_recordset(null::tool_executions, $2) e`);

/** A change of a tool call's state: `$1` is the call. */
const move = (to: ToolExecutionStatus, assignments: string, guard = toolCallStates.mayBecome(to)) =>
  sql(`update tool_executions set status = '${to}', ${assignments} where id = $1 and ${guard} returning id`);

const BEGIN = move('running', 'started_at = now()');

/** An outcome may be written again. */
const settle = (status: ToolOutcome['status']) =>
  move(
    status,
    'result = $2, error_code = $3, error_detail = $4, result_event_id = $5, finished_at = now()',
    `(${toolCallStates.in(status)} or ${toolCallStates.mayBecome(status)})`,
  );
const SETTLE = { completed: settle('completed'), failed: settle('failed'), rejected: settle('rejected') };

const decide = (status: Decision) => move(status, 'decided_by = $2, decided_at = now()');
const DECIDE = { pending: decide('pending'), rejected: decide('rejected') };

const ABANDON = sql(`
  update tool_executions set status = 'failed', error_code = 'run_ended', finished_at = now()
  where run_id = $1 and ${toolCallStates.isOpen()}`);

const ANNOUNCE_WAITING = sql(`
  with waiting as (
    select id as waiting_id, $2 + row_number() over (order by position) as number from tool_executions
    where run_id = $1 and ${isWaiting}
  )
  update tool_executions set approval_event_id = number from waiting where id = waiting_id returning ${EXECUTION}`);

const IS_WAITING = sql(`select from tool_executions where run_id = $1 and ${isWaiting} limit 1`);

/** The steps of runs and the tool calls in them. Who writes them must hold the run's lease, or its row. */
@Injectable()
export class RunStepRepository {
  /** Oldest first. */
  async load(tx: Tx, run_id: string): Promise<Step[]> {
    return (await this.loadAll(tx, [run_id])).get(run_id) ?? [];
  }

  /** Of each run that has any. */
  async loadAll(db: Reader, run_ids: readonly string[]): Promise<Map<string, Step[]>> {
    const rows = await db.read<Omit<Step, 'executions'> & { run_id: string }>(STEPS, [run_ids]);
    if (rows.length === 0) return new Map();
    const executions = await db.read<Execution>(EXECUTIONS, [run_ids]);
    const byStep = Map.groupBy(executions, ({ run_id, step }) => `${run_id} ${step}`);
    const runs = new Map<string, Step[]>();
    for (const { run_id, ...row } of rows) {
      const steps = runs.get(run_id) ?? [];
      steps.push({ ...row, executions: byStep.get(`${run_id} ${row.step}`) ?? [] });
      runs.set(run_id, steps);
    }
    return runs;
  }

  async insert(tx: Tx, run_id: string, { step, output, tool_calls, usage, last_event_id, executions }: Step) {
    const calls = storableJson(tool_calls);
    const used = usage && JSON.stringify(usage);
    await tx.write(INSERT_STEP, [tx.tenant_id, run_id, step, output, calls, used, last_event_id]);
    if (executions.length > 0) await tx.write(INSERT_EXECUTIONS, [tx.tenant_id, storableJson(executions)]);
  }

  /** A tool is about to be called. */
  async begin(tx: Tx, id: string): Promise<void> {
    const changed = await tx.write(BEGIN, [id]);
    if (changed.length === 0) throw new IllegalTransition(id, 'running');
  }

  /** Writes the outcome of a call. One that has it already keeps it, and gets the number of its event. */
  async settle(tx: Tx, id: string, { status, result, error_code, error_detail, result_event_id }: Settlement) {
    const json = result === null ? null : storableJson(result);
    const changed = await tx.write(SETTLE[status], [id, json, error_code, error_detail, result_event_id]);
    if (changed.length === 0) throw new IllegalTransition(id, status);
  }

  /** The run ends: what was not settled never will be. */
  async abandon(tx: Tx, run_id: string): Promise<void> {
    await tx.write(ABANDON, [run_id]);
  }

  async find(tx: Tx, run_id: string, tool_call_id: string): Promise<Execution | undefined> {
    const [execution] = await tx.read<Execution>(FIND, [run_id, tool_call_id]);
    return execution;
  }

  /** Whether it was this decision that counted: a call is decided once. */
  async decide(tx: Tx, id: string, status: Decision, user_id: string | null): Promise<boolean> {
    return (await tx.write(DECIDE[status], [id, user_id])).length > 0;
  }

  /** The calls that wait for a decision, oldest first, their events numbered from `logged + 1` on. */
  async announceWaiting(tx: Tx, run_id: string, logged: number): Promise<Execution[]> {
    const rows = await tx.write<Execution>(ANNOUNCE_WAITING, [run_id, logged]);
    return rows.sort((one, other) => one.position - other.position);
  }

  async isWaiting(tx: Tx, run_id: string): Promise<boolean> {
    return (await tx.read(IS_WAITING, [run_id])).length > 0;
  }
}

/** A fault of ours: the call is in a state that `to` does not follow. */
class IllegalTransition extends Error {
  constructor(id: string, to: ToolExecutionStatus) {
    super(`The tool call ${id} cannot become ${to}.`);
  }
}
