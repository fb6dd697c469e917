import { Injectable } from '@nestjs/common';
import { hasEnded, type RunStatus } from '@taai/contracts';
import { RlsPool, sql, type Reader, type Tx } from '@taai/entities';
import { RUN_COLUMNS, type LedgeredAttempt, type Lease, type NewRun, type RunRow } from './run-row';
import { runStates } from './run-states';
import { storableJson } from '../json/storable';

const FIND = sql(`select ${RUN_COLUMNS} from agent_runs where id = $1`);
const LOCK = sql(`select ${RUN_COLUMNS} from agent_runs where id = $1 for update`);

const MOST_ACTIVE = sql(`
  select ((p.limits || s.limits) ->> 'active_runs')::int as most
  from subscriptions s join plans p on p.id = s.plan_id where s.status <> 'ended'`);

const COUNT_ACTIVE = sql(`select count(*)::int as active from agent_runs where ${runStates.isOpen()}`);
const LOCK_COUNT = sql(`select pg_advisory_xact_lock(hashtextextended('active runs ' || $1, 0))`);

const INSERT = sql(`
  insert into agent_runs (tenant_id, id, agent_id, agent_version, conversation_id, user_id, input, metadata, state,
    status, lease_owner, lease_until, started_at, deadline_at, turn)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + make_interval(secs => $12),
    case when $11::text is not null then now() end, now() + make_interval(secs => $13), $14)
  on conflict (tenant_id, id) do nothing returning ${RUN_COLUMNS}`);

const ATTEMPTS = sql(`
  select call_id, step, provider_id, model, occurred_at, latency_ms, error_code, input_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, cost_micro_usd, is_estimated
  from usage_records where run_id = $1 order by call_id`);

const PAGE = sql(`
  select ${RUN_COLUMNS} from agent_runs
  where agent_id = $1 and ($2::text is null or status = $2) and ($3::uuid is null or id < $3) order by id desc limit $4`);

const wanted = `x.agent_id = $1 and ($2::text is null or x.status = $2) and ($3::uuid is null or x.id < $3)`;

/** Own ones and those of one's conversations, each by an index of their own: it costs what is shown, whatever others have run. */
const PAGE_OF = sql(`
  select ${RUN_COLUMNS} from agent_runs where id in (
    (select x.id from agent_runs x where x.user_id = $5 and x.conversation_id is null and ${wanted} order by x.id desc limit $4)
    union all
    (select x.id from conversation_participants p
      join agent_runs x on x.tenant_id = p.tenant_id and x.conversation_id = p.conversation_id
      where p.user_id = $5 and ${wanted} order by x.id desc limit $4)
  ) order by id desc limit $4`);

const REQUEST_CANCEL = sql(
  'update agent_runs set cancel_requested_at = coalesce(cancel_requested_at, now()) where id = $1',
);

/** A change of a run's state that is not its holder's: `$1` is the run. */
const move = (to: RunStatus, assignments: string) =>
  sql(`update agent_runs set status = '${to}', ${assignments} where id = $1 and ${runStates.mayBecome(to)}`);

const RESUME = move(
  'running',
  `lease_owner = null, lease_until = now(), state = state - 'remaining_ms',
  deadline_at = now() + make_interval(secs => (state ->> 'remaining_ms')::float / 1000)`,
);
const CANCEL_QUEUED = move('cancelled', 'last_event_id = 1, finished_at = now()');

/** Runs, as far as it does not matter who holds them; the writes of their holders are in `HeldRunRepository`. */
@Injectable()
export class RunRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Whether the tenant's plan allows one more active run. Others that ask wait until the transaction ends. */
  async hasRoom(tx: Tx): Promise<boolean> {
    const [plan] = await tx.read<{ most: number | null }>(MOST_ACTIVE);
    if (!plan || plan.most === null) return true;
    await tx.read(LOCK_COUNT, [tx.tenant_id]);
    return (await this.countActive(tx)) < plan.most;
  }

  async countActive(db: Reader = this.rls): Promise<number> {
    const [count] = await db.read<{ active: number }>(COUNT_ACTIVE);
    return count?.active ?? 0;
  }

  /** Leased and running, or queued without a lease. Undefined when there is a run with this id. */
  async insert(tx: Tx, run: NewRun, lease: Lease | undefined, deadlineSeconds: number): Promise<RunRow | undefined> {
    const status: RunStatus = lease ? 'running' : 'queued';
    const [row] = await tx.write<RunRow>(INSERT, [
      tx.tenant_id,
      run.id,
      run.agent_id,
      run.agent_version,
      run.conversation_id,
      run.user_id,
      storableJson(run.input),
      JSON.stringify(run.metadata),
      storableJson(run.state),
      status,
      lease?.owner ?? null,
      lease?.seconds ?? null,
      deadlineSeconds,
      run.turn,
    ]);
    return row;
  }

  async find(tx: Tx, id: string): Promise<RunRow | undefined> {
    const [run] = await tx.read<RunRow>(FIND, [id]);
    return run;
  }

  /** The run, which nobody else changes until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<RunRow | undefined> {
    const [run] = await tx.read<RunRow>(LOCK, [id]);
    return run;
  }

  /** Reads the run outside of a transaction, in one round trip. */
  async get(id: string): Promise<RunRow | undefined> {
    const [run] = await this.rls.read<RunRow>(FIND, [id]);
    return run;
  }

  /** The calls of providers that were made for the run, oldest first. */
  attempts(tx: Tx, run_id: string): Promise<LedgeredAttempt[]> {
    return tx.read<LedgeredAttempt>(ATTEMPTS, [run_id]);
  }

  /** Those of `scope`, a user, or everybody's; newest first. */
  page(
    tx: Tx,
    agent_id: string,
    status: RunStatus | undefined,
    after: string | undefined,
    limit: number,
    scope: string | undefined,
  ): Promise<RunRow[]> {
    const params = [agent_id, status ?? null, after ?? null, limit];
    return scope ? tx.read<RunRow>(PAGE_OF, [...params, scope]) : tx.read<RunRow>(PAGE, params);
  }

  /**
   * A queued run ends here, and is `cancelled`; one that waits goes on, to be ended by its executor; a running one is marked, for
   * its executor to see. Undefined for one that has ended or does not exist.
   */
  async requestCancel(tx: Tx, id: string): Promise<RunStatus | undefined> {
    const run = await this.lock(tx, id);
    if (!run || hasEnded(run)) return undefined;
    await tx.write(REQUEST_CANCEL, [id]);
    if (run.status === 'queued') {
      await tx.write(CANCEL_QUEUED, [id]);
      return 'cancelled';
    }
    if (run.status === 'waiting_approval') await this.resume(tx, id);
    return 'running';
  }

  /** A run that waited for approvals goes on with the time that it had left; nobody holds it. */
  async resume(tx: Tx, id: string): Promise<void> {
    await tx.write(RESUME, [id]);
  }
}
