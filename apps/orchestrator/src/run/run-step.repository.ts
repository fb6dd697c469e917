import { Injectable } from '@nestjs/common';
import type { StoredToolCall, TokenUsage } from '@taai/contracts';
import type { RunStepEntity, ToolExecutionEntity, Tx } from '@taai/entities';
import { storableJson } from './storable-json';

/** A call of a tool. It is settled when the run's log has its result. */
export type Execution = Omit<ToolExecutionEntity, 'tenant_id'>;

/** A model's answer that called tools, or has to be mended, and what became of the calls. */
export type Step = Pick<RunStepEntity, 'step' | 'output' | 'tool_calls' | 'usage' | 'last_event_id'> & {
  /** In the order of the calls. */
  executions: Execution[];
};

/** What became of a call. */
export type Settlement = Pick<Execution, 'status' | 'result' | 'error_code' | 'error_detail' | 'result_event_id'>;

const EXECUTION = `id, run_id, tool_id, tool_name, tool_call_id, step, position, arguments, status, result, error_code, error_detail,
  call_event_id, approval_event_id, result_event_id, decided_by, decided_at, created_at, started_at, finished_at`;

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
    await tx.query(`update tool_executions set status = 'running', started_at = now() where id = $1`, [id]);
  }

  async settle(tx: Tx, id: string, { status, result, error_code, error_detail, result_event_id }: Settlement) {
    await tx.query(
      `update tool_executions set status = $2, result = $3, error_code = $4, error_detail = $5, result_event_id = $6,
         finished_at = now() where id = $1`,
      [id, status, result === null ? null : storableJson(result), error_code, error_detail, result_event_id],
    );
  }

  /** Of a run that ends: what was not settled never will be. */
  async abandon(tx: Tx, run_id: string): Promise<void> {
    await tx.query(
      `update tool_executions set status = 'failed', error_code = 'run_ended', finished_at = now()
       where run_id = $1 and status in ('pending', 'waiting_approval', 'running')`,
      [run_id],
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
  async decide(tx: Tx, id: string, status: 'pending' | 'rejected', user_id: string | null): Promise<boolean> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `update tool_executions set status = $2, decided_by = $3, decided_at = now()
       where id = $1 and status = 'waiting_approval'`,
      [id, status, user_id],
    );
    return changed === 1;
  }

  /** The calls that wait for a decision, oldest first, their events numbered from `logged + 1` on. */
  async announceWaiting(tx: Tx, run_id: string, logged: number): Promise<Execution[]> {
    const [rows] = await tx.query<[Execution[], number]>(
      `with waiting as (
         select id as waiting_id, $2 + row_number() over (order by position) as number from tool_executions
         where run_id = $1 and status = 'waiting_approval'
       )
       update tool_executions set approval_event_id = number from waiting where id = waiting_id returning ${EXECUTION}`,
      [run_id, logged],
    );
    return rows.sort((one, other) => one.position - other.position);
  }

  async isWaiting(tx: Tx, run_id: string): Promise<boolean> {
    const sql = `select from tool_executions where run_id = $1 and status = 'waiting_approval' limit 1`;
    return (await tx.query<unknown[]>(sql, [run_id])).length > 0;
  }
}

const callsJson = (calls: StoredToolCall[]) => storableJson(calls);
const usageJson = (usage: TokenUsage | null) => usage && JSON.stringify(usage);
