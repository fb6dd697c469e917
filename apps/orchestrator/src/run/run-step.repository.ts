import { Injectable } from '@nestjs/common';
import type { StoredToolCall, ToolExecutionStatus, TokenUsage } from '@taai/contracts';
import type { Tx } from '@taai/entities';
import { toolCallStates } from './run-states';
import type { Execution, Settlement, Step } from './run-step';
import { storableJson } from './storable-json';

const EXECUTION = `id, run_id, tool_id, tool_name, tool_call_id, step, position, arguments, status, result, error_code, error_detail,
  call_event_id, approval_event_id, result_event_id, decided_by, decided_at, created_at, started_at, finished_at`;

const isWaiting = toolCallStates.in('waiting_approval');

/** The steps of runs and the tool calls in them. Who writes them must hold the run's lease, or its row. */
@Injectable()
export class RunStepRepository {
  /** Oldest first. */
  async load(tx: Tx, run_id: string): Promise<Step[]> {
    const steps = await tx.query<Omit<Step, 'executions'>[]>(
      'select step, output, tool_calls, usage, last_event_id from run_steps where run_id = $1 order by step',
      [run_id],
    );
    if (steps.length === 0) return [];
    const executions = await tx.query<Execution[]>(
      `select ${EXECUTION} from tool_executions where run_id = $1 order by step, position`,
      [run_id],
    );
    const byStep = Map.groupBy(executions, ({ step }) => step);
    return steps.map((row) => ({ ...row, executions: byStep.get(row.step) ?? [] }));
  }

  async insert(tx: Tx, run_id: string, { step, output, tool_calls, usage, last_event_id, executions }: Step) {
    await tx.query(
      `insert into run_steps (tenant_id, run_id, step, output, tool_calls, usage, last_event_id)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [tx.tenant_id, run_id, step, output, callsJson(tool_calls), usageJson(usage), last_event_id],
    );
    if (executions.length === 0) return;
    await tx.query(
      `insert into tool_executions (tenant_id, id, run_id, tool_id, tool_name, tool_call_id, step, position, arguments, status,
         error_code, error_detail, call_event_id, approval_event_id)
       select $1, e.id, e.run_id, e.tool_id, e.tool_name, e.tool_call_id, e.step, e.position, e.arguments, e.status,
         e.error_code, e.error_detail, e.call_event_id, e.approval_event_id
       from jsonb_populate_recordset(null::tool_executions, $2) e`,
      [tx.tenant_id, storableJson(executions)],
    );
  }

  /** A tool is about to be called. */
  async begin(tx: Tx, id: string): Promise<void> {
    if (!(await this.move(tx, id, 'running', 'started_at = now()'))) throw new IllegalTransition(id, 'running');
  }

  /** Writes the outcome of a call. One that has it already keeps it, and gets the number of its event. */
  async settle(tx: Tx, id: string, { status, result, error_code, error_detail, result_event_id }: Settlement) {
    const json = result === null ? null : storableJson(result);
    const set = 'result = $3, error_code = $4, error_detail = $5, result_event_id = $6, finished_at = now()';
    const values = [json, error_code, error_detail, result_event_id];
    const guard = `(${toolCallStates.in(status)} or ${toolCallStates.mayBecome(status)})`;
    if (!(await this.move(tx, id, status, set, values, guard))) throw new IllegalTransition(id, status);
  }

  /** The run ends: what was not settled never will be. */
  async abandon(tx: Tx, run_id: string): Promise<void> {
    await tx.query(
      `update tool_executions set status = $2, error_code = 'run_ended', finished_at = now()
       where run_id = $1 and ${toolCallStates.isOpen()}`,
      [run_id, 'failed' satisfies ToolExecutionStatus],
    );
  }

  async find(tx: Tx, run_id: string, tool_call_id: string): Promise<Execution | undefined> {
    const [execution] = await tx.query<Execution[]>(
      `select ${EXECUTION} from tool_executions where run_id = $1 and tool_call_id = $2`,
      [run_id, tool_call_id],
    );
    return execution;
  }

  /** Whether it was this decision that counted: a call is decided once. */
  decide(tx: Tx, id: string, status: 'pending' | 'rejected', user_id: string | null): Promise<boolean> {
    return this.move(tx, id, status, 'decided_by = $3, decided_at = now()', [user_id]);
  }

  /** The calls that wait for a decision, oldest first, their events numbered from `logged + 1` on. */
  async announceWaiting(tx: Tx, run_id: string, logged: number): Promise<Execution[]> {
    const [rows] = await tx.query<[Execution[], number]>(
      `with waiting as (
         select id as waiting_id, $2 + row_number() over (order by position) as number from tool_executions
         where run_id = $1 and ${isWaiting}
       )
       update tool_executions set approval_event_id = number from waiting where id = waiting_id returning ${EXECUTION}`,
      [run_id, logged],
    );
    return rows.sort((one, other) => one.position - other.position);
  }

  async isWaiting(tx: Tx, run_id: string): Promise<boolean> {
    const sql = `select from tool_executions where run_id = $1 and ${isWaiting} limit 1`;
    return (await tx.query<unknown[]>(sql, [run_id])).length > 0;
  }

  /** Whether the call could change its state. `values` are the parameters from `$3` on. */
  private async move(
    tx: Tx,
    id: string,
    to: ToolExecutionStatus,
    assignments: string,
    values: unknown[] = [],
    guard = toolCallStates.mayBecome(to),
  ): Promise<boolean> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `update tool_executions set status = $2, ${assignments} where id = $1 and ${guard}`,
      [id, to, ...values],
    );
    return changed === 1;
  }
}

/** A fault of ours: the call is in a state that `to` does not follow. */
class IllegalTransition extends Error {
  constructor(id: string, to: ToolExecutionStatus) {
    super(`The tool call ${id} cannot become ${to}.`);
  }
}

const callsJson = (calls: StoredToolCall[]) => storableJson(calls);
const usageJson = (usage: TokenUsage | null) => usage && JSON.stringify(usage);
