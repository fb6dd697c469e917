import { Injectable } from '@nestjs/common';
import type { AgentParameters, Fallback, RunStatus, TokenUsage } from '@taai/contracts';
import { RlsPool, type AgentRunEntity, type Tx } from '@taai/entities';
import { LeaseLost } from '@taai/platform';
import type { ChatMessage, JsonObject } from '@taai/providers';
import { storableJson } from './storable-json';

/** What a run takes from its agent and its caller at the start, so that later changes do not reach it. */
export interface RunState {
  provider_id: string;
  model: string;
  temperature: number | null;
  max_output_tokens: number | null;
  api_key_id: string | null;
  // From here on absent in what an older release has started.
  fallbacks?: Fallback[];
  parameters?: AgentParameters;
  /** Names. */
  tools?: string[];
  max_steps?: number;
  max_cost_micro_usd?: number | null;
  output_schema?: JsonObject | null;
  requires_approval?: boolean;
  /** The provider call under way. */
  call_id?: string;
  /** What it had left of its time when it began to wait for an approval. */
  remaining_ms?: number;
}

export type RunRow = Omit<AgentRunEntity, 'state' | 'input'> & { state: RunState; input: ChatMessage[] };

export type NewRun = Pick<
  RunRow,
  'id' | 'agent_id' | 'agent_version' | 'conversation_id' | 'user_id' | 'input' | 'metadata' | 'state'
>;

/** A row of the ledger. */
export type LedgeredAttempt = TokenUsage & {
  call_id: string;
  step: number | null;
  provider_id: string | null;
  model: string;
  occurred_at: Date;
  latency_ms: number | null;
  error_code: string | null;
};

/** Who executes a run, for how long without a sign of life. */
export interface Lease {
  owner: string;
  seconds: number;
}

/** What of a run is written when it begins to wait for approvals. */
interface Pause {
  /** Of its own time, kept for when it goes on. */
  remaining_ms: number;
  /** How long it may wait. */
  seconds: number;
  last_event_id: number;
}

/** What of a run is written at its end. */
type RunEnding = Pick<RunRow, 'status' | 'output' | 'error_code' | 'error_detail' | 'usage' | 'step' | 'last_event_id'>;

/** Named, because a prepared `select *` fails on every replica once a migration has added a column. */
const COLUMNS = `tenant_id, id, agent_id, agent_version, conversation_id, user_id, status, input, output, error_code,
  error_detail, step, state, usage, cost_micro_usd, metadata, last_event_id, lease_owner, lease_until,
  cancel_requested_at, deadline_at, created_at, started_at, finished_at`;

const FIND = `select ${COLUMNS} from agent_runs where id = $1`;

const MOST_ACTIVE = `
  select (p.limits ->> 'active_runs')::int as most
  from subscriptions s join plans p on p.id = s.plan_id where s.status <> 'ended'`;

const ACTIVE = `
  select count(*)::int as active from agent_runs where status in ('queued', 'running', 'waiting_approval')`;

/** All writes but `insert`, `requestCancel` and `resume` compare the lease's owner, and throw `LeaseLost` when it is another one. */
@Injectable()
export class RunRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Whether the tenant's plan allows one more active run. Others that ask wait until the transaction ends. */
  async hasRoom(tx: Tx): Promise<boolean> {
    const [plan] = await tx.query<{ most: number | null }[]>(MOST_ACTIVE);
    if (!plan || plan.most === null) return true;
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('active runs ' || $1, 0))`, [tx.tenant_id]);
    const [{ active }] = await tx.query<[{ active: number }]>(ACTIVE);
    return active < plan.most;
  }

  /** Leased and running, or queued without a lease. Undefined when there is a run with this id. */
  async insert(tx: Tx, run: NewRun, lease: Lease | undefined, deadlineSeconds: number): Promise<RunRow | undefined> {
    const [row] = await tx.query<RunRow[]>(
      `insert into agent_runs (tenant_id, id, agent_id, agent_version, conversation_id, user_id, input, metadata, state,
         status, lease_owner, lease_until, started_at, deadline_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10::text is null then 'queued' else 'running' end,
         $10, now() + make_interval(secs => $11), case when $10::text is null then null else now() end,
         now() + make_interval(secs => $12))
       on conflict (tenant_id, id) do nothing returning *`,
      [
        ...[tx.tenant_id, run.id, run.agent_id, run.agent_version, run.conversation_id, run.user_id],
        ...[storableJson(run.input), JSON.stringify(run.metadata), storableJson(run.state)],
        ...[lease?.owner ?? null, lease?.seconds ?? null, deadlineSeconds],
      ],
    );
    return row;
  }

  async find(tx: Tx, id: string): Promise<RunRow | undefined> {
    const [run] = await tx.query<RunRow[]>(FIND, [id]);
    return run;
  }

  /** The run, which nobody else changes until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<RunRow | undefined> {
    const [run] = await tx.query<RunRow[]>(`${FIND} for update`, [id]);
    return run;
  }

  /** The same outside of a transaction. */
  async get(id: string): Promise<RunRow | undefined> {
    const [run] = await this.rls.read<RunRow>(FIND, [id]);
    return run;
  }

  /** The calls of providers that were made for the run, oldest first. */
  attempts(tx: Tx, run_id: string): Promise<LedgeredAttempt[]> {
    return tx.query<LedgeredAttempt[]>(
      `select call_id, step, provider_id, model, occurred_at, latency_ms, error_code, input_tokens, cache_read_tokens,
         cache_write_tokens, output_tokens, reasoning_tokens, cost_micro_usd, is_estimated
       from usage_records where run_id = $1 order by call_id`,
      [run_id],
    );
  }

  /** Newest first. */
  page(
    tx: Tx,
    agent_id: string,
    status: RunStatus | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<RunRow[]> {
    return tx.query<RunRow[]>(
      `select ${COLUMNS} from agent_runs
       where agent_id = $1 and ($2::text is null or status = $2) and ($3::uuid is null or id < $3) order by id desc limit $4`,
      [agent_id, status ?? null, after ?? null, limit],
    );
  }

  /**
   * A queued run ends here, and is `cancelled`; one that waits goes on, to be ended by its executor; a running one is marked, for
   * its executor to see. Undefined for one that has ended or does not exist.
   */
  async requestCancel(tx: Tx, id: string): Promise<RunStatus | undefined> {
    const [run] = await tx.query<Pick<RunRow, 'status'>[]>(
      `with changed as (
         update agent_runs set cancel_requested_at = coalesce(cancel_requested_at, now()),
           status = case status when 'queued' then 'cancelled' when 'waiting_approval' then 'running' else status end,
           lease_until = case status when 'waiting_approval' then now() else lease_until end,
           last_event_id = case status when 'queued' then 1 else last_event_id end,
           finished_at = case status when 'queued' then now() end
         where id = $1 and status in ('queued', 'running', 'waiting_approval') returning status
       )
       select status from changed`,
      [id],
    );
    return run?.status;
  }

  /** A run that waited goes on with the time that it had left. */
  async resume(tx: Tx, id: string): Promise<void> {
    await tx.query(
      `update agent_runs set status = 'running', lease_owner = null, lease_until = now(),
         deadline_at = now() + make_interval(secs => (state ->> 'remaining_ms')::float / 1000), state = state - 'remaining_ms'
       where id = $1 and status = 'waiting_approval'`,
      [id],
    );
  }

  /** Takes a run that nobody holds. */
  async claim(tx: Tx, id: string, lease: Lease): Promise<boolean> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `update agent_runs set lease_owner = $2, lease_until = now() + make_interval(secs => $3)
       where id = $1 and status in ('queued', 'running') and lease_until <= now()`,
      [id, lease.owner, lease.seconds],
    );
    return changed === 1;
  }

  /** Marks a run that was claimed as running. */
  async take(tx: Tx, id: string, owner: string): Promise<RunRow> {
    const set = `status = 'running', started_at = coalesce(started_at, now())`;
    await this.change(tx, set, [id, owner], `status in ('queued', 'running', 'waiting_approval')`);
    const run = await this.find(tx, id);
    if (!run) throw new LeaseLost();
    return run;
  }

  /** Remembers the call that begins, for whoever takes the run over to close. */
  noteCall(tx: Tx, id: string, owner: string, call_id: string): Promise<void> {
    return this.change(tx, `state = state || jsonb_build_object('call_id', $3::text)`, [id, owner, call_id]);
  }

  /** Forgets a call that was closed without ending the step, and counts what it used. */
  dropCall(tx: Tx, id: string, owner: string, usage: TokenUsage): Promise<void> {
    const set = `state = state - 'call_id', usage = $3, cost_micro_usd = $4`;
    return this.change(tx, set, [id, owner, JSON.stringify(usage), usage.cost_micro_usd]);
  }

  /**
   * A model has answered: the step is where another replica takes the run up. `last_event_id`: of the log, with all that is committed.
   * The second time it throws `LeaseLost`: whoever was not told of the first commit leaves the run to one who reads what it says.
   */
  advance(tx: Tx, id: string, owner: string, usage: TokenUsage, step: number, last_event_id: number): Promise<void> {
    const set = `step = $5, state = state - 'call_id', usage = $3, cost_micro_usd = $4, last_event_id = $6`;
    const parameters = [id, owner, JSON.stringify(usage), usage.cost_micro_usd, step, last_event_id];
    return this.change(tx, set, parameters, `status in ('queued', 'running') and step = $5::int - 1`);
  }

  /** Something of the step was settled; of several at once the newest event counts. */
  noteEvent(tx: Tx, id: string, owner: string, last_event_id: number): Promise<void> {
    return this.change(tx, 'last_event_id = greatest(last_event_id, $3)', [id, owner, last_event_id]);
  }

  /** Throws `LeaseLost` when another replica has the run; changes nothing. */
  hold(tx: Tx, id: string, owner: string): Promise<void> {
    return this.change(tx, 'lease_owner = lease_owner', [id, owner]);
  }

  /** Nobody executes the run until it is decided on. */
  pause(tx: Tx, id: string, owner: string, { remaining_ms, seconds, last_event_id }: Pause): Promise<void> {
    const set = `status = 'waiting_approval', lease_owner = null, lease_until = null, last_event_id = $5,
      state = state || jsonb_build_object('remaining_ms', $3::int), deadline_at = now() + make_interval(secs => $4)`;
    return this.change(tx, set, [id, owner, remaining_ms, seconds, last_event_id]);
  }

  finish(tx: Tx, id: string, owner: string, ending: RunEnding): Promise<void> {
    const { status, output, error_code, error_detail, usage, step, last_event_id } = ending;
    return this.change(
      tx,
      `status = $3, output = $4, error_code = $5, error_detail = $6, usage = $7, cost_micro_usd = $8, last_event_id = $9,
       step = $10, state = state - 'call_id', finished_at = now(), lease_owner = null, lease_until = null`,
      [
        ...[id, owner, status, output, error_code, error_detail],
        ...[usage && JSON.stringify(usage), usage?.cost_micro_usd ?? null, last_event_id, step],
      ],
    );
  }

  /** Lets another replica have the run at once. */
  release(tx: Tx, id: string, owner: string): Promise<void> {
    return this.change(tx, 'lease_owner = null, lease_until = now()', [id, owner]);
  }

  private async change(
    tx: Tx,
    assignments: string,
    parameters: unknown[],
    condition = `status in ('queued', 'running')`,
  ): Promise<void> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `update agent_runs set ${assignments} where id = $1 and lease_owner = $2 and ${condition}`,
      parameters,
    );
    if (changed === 0) throw new LeaseLost();
  }
}
