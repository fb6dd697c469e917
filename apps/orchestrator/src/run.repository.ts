import { Injectable } from '@nestjs/common';
import type { RunStatus, TokenUsage } from '@taai/contracts';
import { RlsPool, type AgentRunEntity, type Tx } from '@taai/entities';
import { LeaseLost } from '@taai/platform';
import type { ChatMessage } from '@taai/providers';

/** What a run takes from its agent and its caller at the start, so that later changes do not reach it. */
interface RunState {
  provider_id: string;
  model: string;
  temperature: number | null;
  max_output_tokens: number | null;
  api_key_id: string | null;
  /** The provider call under way. */
  call_id?: string;
}

export type RunRow = Omit<AgentRunEntity, 'state' | 'input'> & { state: RunState; input: ChatMessage[] };

export type NewRun = Pick<
  RunRow,
  'id' | 'agent_id' | 'agent_version' | 'conversation_id' | 'user_id' | 'input' | 'metadata' | 'state'
>;

/** Who executes a run, for how long without a sign of life. */
export interface Lease {
  owner: string;
  seconds: number;
}

/** What of a run is written at its end. */
type RunEnding = Pick<RunRow, 'status' | 'output' | 'error_code' | 'error_detail' | 'usage' | 'last_event_id'>;

/** Named, because a prepared `select *` fails on every replica once a migration has added a column. */
const COLUMNS = `tenant_id, id, agent_id, agent_version, conversation_id, user_id, status, input, output, error_code,
  error_detail, step, state, usage, cost_micro_usd, metadata, last_event_id, lease_owner, lease_until,
  cancel_requested_at, deadline_at, created_at, started_at, finished_at`;

const FIND = `select ${COLUMNS} from agent_runs where id = $1`;

/** All writes but `insert` and `requestCancel` compare the lease's owner, and throw `LeaseLost` when it is another one. */
@Injectable()
export class RunRepository {
  constructor(private readonly rls: RlsPool) {}

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
        ...[JSON.stringify(run.input), JSON.stringify(run.metadata), JSON.stringify(run.state)],
        ...[lease?.owner ?? null, lease?.seconds ?? null, deadlineSeconds],
      ],
    );
    return row;
  }

  async find(tx: Tx, id: string): Promise<RunRow | undefined> {
    const [run] = await tx.query<RunRow[]>(FIND, [id]);
    return run;
  }

  /** The same outside of a transaction. */
  async get(id: string): Promise<RunRow | undefined> {
    const [run] = await this.rls.query<RunRow>('run.get', FIND, [id]);
    return run;
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
   * A queued run ends here, and is `cancelled`; a running one is marked, for its executor to see. Undefined for one that has
   * ended or does not exist.
   */
  async requestCancel(tx: Tx, id: string): Promise<RunStatus | undefined> {
    const [run] = await tx.query<Pick<RunRow, 'status'>[]>(
      `with changed as (
         update agent_runs set cancel_requested_at = coalesce(cancel_requested_at, now()),
           status = case status when 'queued' then 'cancelled' else status end,
           last_event_id = case status when 'queued' then 1 else last_event_id end,
           finished_at = case status when 'queued' then now() end
         where id = $1 and status in ('queued', 'running', 'waiting_approval') returning status
       )
       select status from changed`,
      [id],
    );
    return run?.status;
  }

  /** Marks a run that was claimed as running. */
  async take(tx: Tx, id: string, owner: string): Promise<RunRow> {
    const set = `status = 'running', started_at = coalesce(started_at, now())`;
    await this.change(tx, set, [id, owner]);
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

  finish(tx: Tx, id: string, owner: string, ending: RunEnding): Promise<void> {
    const { status, output, error_code, error_detail, usage, last_event_id } = ending;
    return this.change(
      tx,
      `status = $3, output = $4, error_code = $5, error_detail = $6, usage = $7, cost_micro_usd = $8, last_event_id = $9,
       step = step + 1, state = state - 'call_id', finished_at = now(), lease_owner = null, lease_until = null`,
      [
        ...[id, owner, status, output, error_code, error_detail],
        ...[usage && JSON.stringify(usage), usage?.cost_micro_usd ?? null, last_event_id],
      ],
    );
  }

  /** Lets another replica have the run at once. */
  release(tx: Tx, id: string, owner: string): Promise<void> {
    return this.change(tx, 'lease_owner = null, lease_until = now()', [id, owner]);
  }

  private async change(tx: Tx, assignments: string, parameters: unknown[]): Promise<void> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `update agent_runs set ${assignments} where id = $1 and lease_owner = $2 and status in ('queued', 'running')`,
      parameters,
    );
    if (changed === 0) throw new LeaseLost();
  }
}
