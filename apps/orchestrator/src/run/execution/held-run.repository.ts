import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { RunStatus, TokenUsage } from '@taai/contracts';
import { RlsPool, type Tx } from '@taai/entities';
import { LeaseLost } from '@taai/platform';
import { DataSource } from 'typeorm';
import { RUN_COLUMNS, type Lease, type RunRow } from '../run-row';
import { runStates } from '../run-states';
import { RunLimits } from './run-limits';

/** The columns that are written when a run begins to wait for approvals. */
interface Pause {
  /** Of its own time, kept for when it goes on. */
  remaining_ms: number;
  last_event_id: number;
}

/** The columns that are written at a run's end. */
type RunEnding = Pick<RunRow, 'status' | 'output' | 'error_code' | 'error_detail' | 'usage' | 'step' | 'last_event_id'>;

/** The states of a run that may have a lease: one that was claimed from the queue is `queued` until it is taken. */
const isLeasable = runStates.in('queued', 'running');

// What this replica leased and does not execute, because something failed in between, must expire.
const EXTEND = `
  update agent_runs set lease_until = now() + make_interval(secs => $2)
  where lease_owner = $1 and id = any($3) and ${isLeasable}
  returning id, cancel_requested_at is not null as is_cancelled`;

const CLAIM = `
  update agent_runs set lease_owner = $2, lease_until = now() + make_interval(secs => $3)
  where id = $1 and ${isLeasable} and lease_until <= now()`;

/**
 * The leases of this replica, and its writes to runs that it holds. A write throws `LeaseLost`, and changes nothing, when another replica
 * has the run.
 */
@Injectable()
export class HeldRunRepository {
  /** This replica, as leases name it. */
  readonly owner = `orchestrator-${randomUUID()}`;

  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
    private readonly limits: RunLimits,
  ) {}

  get lease(): Lease {
    return { owner: this.owner, seconds: this.limits.lease_seconds };
  }

  /** Claims a run that nobody holds; resolves to false when somebody does. */
  async claim(tx: Tx, id: string): Promise<boolean> {
    const [, changed] = await tx.query<[unknown[], number]>(CLAIM, [id, this.owner, this.limits.lease_seconds]);
    return changed === 1;
  }

  /** Claims runs of any tenant that nobody executes, those that wait longest first. */
  claimDue(batch: number): Promise<{ tenant_id: string; id: string }[]> {
    const sql = 'select tenant_id, id from claim_runs($1, $2, $3)';
    return this.db.query(sql, [this.owner, batch, this.limits.lease_seconds]);
  }

  /** Extends the leases of a tenant's runs, and resolves to those that this replica still holds. */
  extend(tenant_id: string, ids: readonly string[]): Promise<{ id: string; is_cancelled: boolean }[]> {
    return this.rls.queryFor(tenant_id, EXTEND, [this.owner, this.limits.lease_seconds, ids]);
  }

  /** Marks a run that was claimed as running. */
  async take(tx: Tx, id: string): Promise<RunRow> {
    const [[run]] = await tx.query<[RunRow[], number]>(
      `update agent_runs set status = $3, started_at = coalesce(started_at, now())
       where id = $1 and lease_owner = $2 and ${runStates.mayBecome('running')} returning ${RUN_COLUMNS}`,
      [id, this.owner, 'running' satisfies RunStatus],
    );
    if (!run) throw new LeaseLost();
    return run;
  }

  /** Remembers the call that begins: a successor closes it. */
  noteCall(tx: Tx, id: string, call_id: string): Promise<void> {
    return this.write(tx, id, `state = state || jsonb_build_object('call_id', $3::text)`, [call_id]);
  }

  /** Forgets a call that was closed without ending the step, and counts what it used. */
  dropCall(tx: Tx, id: string, usage: TokenUsage): Promise<void> {
    const set = `state = state - 'call_id', usage = $3, cost_micro_usd = $4`;
    return this.write(tx, id, set, [JSON.stringify(usage), usage.cost_micro_usd]);
  }

  /**
   * Counts a step, from whose end another replica would go on. `last_event_id` is the log's, with the events of the step. A repetition
   * throws `LeaseLost`: a holder that does not know whether its step was committed leaves the run to one that reads it.
   */
  advance(tx: Tx, id: string, usage: TokenUsage, step: number, last_event_id: number): Promise<void> {
    const set = `step = $5, state = state - 'call_id', usage = $3, cost_micro_usd = $4, last_event_id = $6`;
    const values = [JSON.stringify(usage), usage.cost_micro_usd, step, last_event_id];
    return this.write(tx, id, set, values, 'step = $5::int - 1');
  }

  /** Counts the event of a tool's result; of several at once the newest counts. */
  noteEvent(tx: Tx, id: string, last_event_id: number): Promise<void> {
    return this.write(tx, id, 'last_event_id = greatest(last_event_id, $3)', [last_event_id]);
  }

  /** Locks the run; changes nothing. */
  hold(tx: Tx, id: string): Promise<void> {
    return this.write(tx, id, 'lease_owner = lease_owner');
  }

  /** Gives the lease up until a person has decided. */
  pause(tx: Tx, id: string, { remaining_ms, last_event_id }: Pause): Promise<void> {
    const set = `lease_owner = null, lease_until = null, last_event_id = $5,
      state = state || jsonb_build_object('remaining_ms', $4::int), deadline_at = now() + make_interval(secs => $6)`;
    return this.move(tx, id, 'waiting_approval', set, [remaining_ms, last_event_id, this.limits.approval_seconds]);
  }

  finish(tx: Tx, id: string, ending: RunEnding): Promise<void> {
    const { status, output, error_code, error_detail, usage, step, last_event_id } = ending;
    const set = `output = $4, error_code = $5, error_detail = $6, usage = $7, cost_micro_usd = $8, last_event_id = $9,
      step = $10, state = state - 'call_id', finished_at = now(), lease_owner = null, lease_until = null`;
    const spent = [usage && JSON.stringify(usage), usage?.cost_micro_usd ?? null];
    return this.move(tx, id, status, set, [output, error_code, error_detail, ...spent, last_event_id, step]);
  }

  /** Lets another replica have the run at once. */
  release(tx: Tx, id: string): Promise<void> {
    return this.write(tx, id, 'lease_owner = null, lease_until = now()');
  }

  /** `values` are the parameters from `$4` on. */
  private move(tx: Tx, id: string, to: RunStatus, assignments: string, values: unknown[]): Promise<void> {
    return this.change(tx, `status = $3, ${assignments}`, runStates.mayBecome(to), [id, this.owner, to, ...values]);
  }

  /** `values` are the parameters from `$3` on. */
  private write(tx: Tx, id: string, assignments: string, values: unknown[] = [], condition = 'true'): Promise<void> {
    const isHeld = runStates.in('running');
    return this.change(tx, assignments, `${isHeld} and ${condition}`, [id, this.owner, ...values]);
  }

  private async change(tx: Tx, assignments: string, condition: string, parameters: unknown[]): Promise<void> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `update agent_runs set ${assignments} where id = $1 and lease_owner = $2 and ${condition}`,
      parameters,
    );
    if (changed === 0) throw new LeaseLost();
  }
}
