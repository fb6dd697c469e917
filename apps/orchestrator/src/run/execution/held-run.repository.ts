import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Run, RunStatus, TokenUsage } from '@taai/contracts';
import { hasItsTurn, RlsPool, sql, type Tx } from '@taai/entities';
import { LeaseLost } from '@taai/platform';
import { DataSource } from 'typeorm';
import { storableJson } from '../../json/storable';
import { RUN_COLUMNS, type Lease, type RunRow } from '../run-row';
import { runStates } from '../run-states';
import { RunLimits } from './run-limits';
import type { RunOutcome } from './run-outcome';

/** The columns that are written when a run begins to wait for approvals. */
interface Pause {
  /** Of its own time, kept for when it goes on. */
  remaining_ms: number;
  last_event_id: number;
}

/** The columns that are written at a run's end. */
type RunEnding = Pick<RunRow, 'output' | 'error_code' | 'error_detail' | 'usage' | 'step' | 'last_event_id'> &
  Pick<RunOutcome, 'status'> &
  Pick<Run, 'stop_reason'>;

/** The states of a run that may have a lease: one that was claimed from the queue is `queued` until it is taken. */
const isLeasable = runStates.in('queued', 'running');

// What this replica leased and does not execute, because something failed in between, must expire.
const EXTEND = sql(`
  update agent_runs set lease_until = now() + make_interval(secs => $2)
  where lease_owner = $1 and id = any($3) and ${isLeasable}
  returning id, cancel_requested_at is not null as is_cancelled`);

const CLAIM = sql(`
  update agent_runs r set lease_owner = $2, lease_until = now() + make_interval(secs => $3)
  where id = $1 and ${isLeasable} and (lease_until <= now() or turn is not null and lease_until is null) and ${hasItsTurn}
  returning id`);

const NEXT_TURN = sql(`
  select id from agent_runs where conversation_id = $1 and turn is not null and ${runStates.in('queued')} order by turn limit 1`);

const CLAIM_DUE = sql('select tenant_id, id from claim_runs($1, $2, $3, $4)');

/** A write of the run's holder: `$1` is the run and `$2` the holder. */
const change = (assignments: string, condition: string, returning = 'id') =>
  sql(
    `update agent_runs set ${assignments} where id = $1 and lease_owner = $2 and ${condition} returning ${returning}`,
  );

/** A write to a run that is running. */
const write = (assignments: string, returning?: string) => change(assignments, runStates.in('running'), returning);

/** A change of the run's state. */
const move = (to: RunStatus, assignments: string, returning?: string) =>
  change(`status = '${to}', ${assignments}`, runStates.mayBecome(to), returning);

const TAKE = move('running', 'started_at = coalesce(started_at, now())', RUN_COLUMNS);
const BEGIN_TURN = write(
  'turn = null, input = $3, deadline_at = now() + make_interval(secs => $4), state = state || $5::jsonb',
  RUN_COLUMNS,
);
const WAITING = sql(
  `select ${RUN_COLUMNS} from agent_runs where id = $1 and turn is not null and conversation_id is not null`,
);
const NOTE_CALL = write(`state = state || jsonb_build_object('call_id', $3::text)`);
const DROP_CALL = write(`state = state - 'call_id', usage = $3, cost_micro_usd = $4`);
const NOTE_EVENT = write('last_event_id = greatest(last_event_id, $3)');
const HOLD = write('lease_owner = lease_owner');
const RELEASE = change('lease_owner = null, lease_until = now()', isLeasable);

const ADVANCE = change(
  `step = $5, state = state - 'call_id', usage = $3, cost_micro_usd = $4, last_event_id = $6`,
  `${runStates.in('running')} and step = $5::int - 1`,
);

const PAUSE = move(
  'waiting_approval',
  `lease_owner = null, lease_until = null, last_event_id = $4,
  state = state || jsonb_build_object('remaining_ms', $3::int), deadline_at = now() + make_interval(secs => $5)`,
);

const finish = (status: RunOutcome['status']) =>
  move(
    status,
    `output = $3, error_code = $4, error_detail = $5, usage = $6, cost_micro_usd = $7, last_event_id = $8, step = $9,
    state = state - 'call_id' || jsonb_build_object('stop_reason', $10::text), finished_at = now(), lease_owner = null,
    lease_until = null`,
  );
const FINISH = { completed: finish('completed'), failed: finish('failed'), cancelled: finish('cancelled') };

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
    return (await tx.write(CLAIM, [id, this.owner, this.limits.lease_seconds])).length > 0;
  }

  /** Claims runs that nobody executes, by turns between all tenants but these. */
  claimDue(batch: number, full: readonly string[]): Promise<{ tenant_id: string; id: string }[]> {
    return this.db.query(CLAIM_DUE, [this.owner, batch, this.limits.lease_seconds, full]);
  }

  /** Extends the leases of a tenant's runs, and resolves to those that this replica still holds. */
  extend(tenant_id: string, ids: readonly string[]): Promise<{ id: string; is_cancelled: boolean }[]> {
    return this.rls.queryFor(tenant_id, EXTEND, [this.owner, this.limits.lease_seconds, ids]);
  }

  /** Marks a run that was claimed as running. */
  async take(tx: Tx, id: string): Promise<RunRow> {
    return this.change<RunRow>(tx, TAKE, id);
  }

  /** Begins the turn of a run that has waited for others: with what it is shown now, and all its time before it. */
  async beginTurn(
    tx: Tx,
    id: string,
    input: RunRow['input'],
    note: Pick<RunRow['state'], 'shown_messages'>,
  ): Promise<RunRow> {
    const params = [storableJson(input), this.limits.deadline_seconds, JSON.stringify(note)];
    return this.change<RunRow>(tx, BEGIN_TURN, id, params);
  }

  /** The run, if it waits for its turn in a conversation. */
  async waiting(id: string): Promise<RunRow | undefined> {
    const [run] = await this.rls.read<RunRow>(WAITING, [id]);
    return run;
  }

  /** Of the turns of a tenant's conversation that wait, the first one. */
  async nextTurn(tenant_id: string, conversation_id: string): Promise<string | undefined> {
    const [next] = await this.rls.queryFor<{ id: string }>(tenant_id, NEXT_TURN, [conversation_id]);
    return next?.id;
  }

  /** Remembers the call that begins: a successor closes it. */
  async noteCall(tx: Tx, id: string, call_id: string): Promise<void> {
    await this.change(tx, NOTE_CALL, id, [call_id]);
  }

  /** Forgets a call that was closed without ending the step, and counts what it used. */
  async dropCall(tx: Tx, id: string, usage: TokenUsage): Promise<void> {
    await this.change(tx, DROP_CALL, id, [JSON.stringify(usage), usage.cost_micro_usd]);
  }

  /**
   * Counts a step, from whose end another replica would go on. `last_event_id` is the log's, with the events of the step. A repetition
   * throws `LeaseLost`: a holder that does not know whether its step was committed leaves the run to one that reads it.
   */
  async advance(tx: Tx, id: string, usage: TokenUsage, step: number, last_event_id: number): Promise<void> {
    await this.change(tx, ADVANCE, id, [JSON.stringify(usage), usage.cost_micro_usd, step, last_event_id]);
  }

  /** Counts the event of a tool's result; of several at once the newest counts. */
  async noteEvent(tx: Tx, id: string, last_event_id: number): Promise<void> {
    await this.change(tx, NOTE_EVENT, id, [last_event_id]);
  }

  /** Locks the run; changes nothing. */
  async hold(tx: Tx, id: string): Promise<void> {
    await this.change(tx, HOLD, id);
  }

  /** Gives the lease up until a person has decided. */
  async pause(tx: Tx, id: string, { remaining_ms, last_event_id }: Pause): Promise<void> {
    await this.change(tx, PAUSE, id, [remaining_ms, last_event_id, this.limits.approval_seconds]);
  }

  async finish(tx: Tx, id: string, ending: RunEnding): Promise<void> {
    const { status, output, error_code, error_detail, usage, step, last_event_id, stop_reason } = ending;
    const spent = [usage && JSON.stringify(usage), usage?.cost_micro_usd ?? null];
    const values = [output, error_code, error_detail, ...spent, last_event_id, step, stop_reason];
    await this.change(tx, FINISH[status], id, values);
  }

  /** Lets another replica have the run at once. */
  async release(tx: Tx, id: string): Promise<void> {
    await this.change(tx, RELEASE, id);
  }

  /** `values` are the parameters from `$3` on. */
  private async change<Row extends object>(tx: Tx, text: string, id: string, values: unknown[] = []): Promise<Row> {
    const [row] = await tx.write<Row>(text, [id, this.owner, ...values]);
    if (!row) throw new LeaseLost();
    return row;
  }
}
