import { Injectable } from '@nestjs/common';
import {
  limits,
  type ListUsageRecords,
  type PageQuery,
  type UsageGroup,
  type UsageGroupTotals,
  type UsageRecord,
} from '@taai/contracts';
import { closeCall, mintedAt, RlsPool, sql, type TokenBuckets, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import type { Period } from './period';

/** Sums are numeric in the database; cut off at 2^53 they fail to become numbers (RangeError) instead of becoming wrong ones. */
const sum = (column: string) => `least(coalesce(sum(${column}), 0), 9007199254740992)::bigint as ${column}`;

const totals = `
  count(*) as calls,
  ${sum('input_tokens')}, ${sum('cache_read_tokens')}, ${sum('cache_write_tokens')},
  ${sum('output_tokens')}, ${sum('reasoning_tokens')}, ${sum('cost_micro_usd')},
  count(*) filter (
    where cost_micro_usd is null and (status = 'estimated' or num_nonnulls(input_tokens, output_tokens) > 0)
  ) as unpriced_calls,
  count(*) filter (where is_estimated) as estimated_calls`;

const keys: Record<UsageGroup, string> = {
  day: `to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD')`,
  provider: 'provider_id::text',
  model: 'model',
  agent: 'agent_id::text',
  user: 'user_id::text',
};

const columns = `call_id, occurred_at, status, kind, provider_id, provider_kind, model, agent_id, run_id, user_id, input_tokens,
  cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_micro_usd, is_estimated, error_code, latency_ms`;

export interface Sums extends UsageGroupTotals {
  is_total: boolean;
}

const CALLS = `from usage_records where occurred_at >= $1 and occurred_at < $2 and status <> 'open'`;

const SUM = sql(`select null as key, true as is_total, ${totals} ${CALLS}`);

const sumBy = (group: UsageGroup) => {
  const key = keys[group];
  return sql(`
    select ${key} as key, grouping(${key}) = 1 as is_total, ${totals} ${CALLS} group by grouping sets ((), (${key}))
    order by is_total desc, ${group === 'day' ? 'key' : 'cost_micro_usd desc, key'} limit ${limits.usageGroups + 1}`);
};

const SUM_BY: Record<UsageGroup, string> = {
  day: sumBy('day'),
  provider: sumBy('provider'),
  model: sumBy('model'),
  agent: sumBy('agent'),
  user: sumBy('user'),
};

const PAGE = sql(`
  select ${columns} from usage_records
  where occurred_at <= coalesce($1::timestamptz, 'infinity') and ($2::uuid is null or call_id < $2)
    and ($3::uuid is null or run_id = $3) and ($4::uuid is null or agent_id = $4)
  order by occurred_at desc, call_id desc limit $5`);

const STALE = sql('select tenant_id, call_id from due_open_calls($1, $2)');

const LOCK_OPEN = sql(`
  select call_id, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens
  from usage_records
  where call_id = any ($1) and occurred_at between $2 and $3 and status = 'open' for update skip locked`);

const CREATE_PARTITIONS = sql('select create_usage_partitions()');

/** Every query bounds `occurred_at` where it can: that keeps it to the partitions concerned. */
@Injectable()
export class UsageRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /**
   * Sums over the calls of the period that have ended: the total first, then the groups. Throws a RangeError when one is 2^53
   * or more.
   */
  sum({ from, to }: Period, group: UsageGroup | undefined): Promise<Sums[]> {
    return this.rls.read<Sums>(group ? SUM_BY[group] : SUM, [from, to]);
  }

  /** Newest first. */
  page(
    { run_id, agent_id }: Omit<ListUsageRecords, keyof PageQuery>,
    after: string | undefined,
    limit: number,
  ): Promise<UsageRecord[]> {
    return this.rls.read<UsageRecord>(PAGE, [
      after === undefined ? null : mintedAt(after),
      after ?? null,
      run_id ?? null,
      agent_id ?? null,
      limit,
    ]);
  }

  /** Calls of all tenants that were opened more than `seconds` ago and never closed: call ids by tenant. */
  async staleCalls(seconds: number, limit: number): Promise<Map<string, string[]>> {
    const rows = await this.db.query<{ tenant_id: string; call_id: string }[]>(STALE, [seconds, limit]);
    const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
    return new Map([...byTenant].map(([tenant_id, calls]) => [tenant_id, calls.map(({ call_id }) => call_id)]));
  }

  /**
   * Ends those of the calls that are still open and that no other replica is ending. Nobody knows what they have used: they keep
   * the tokens that they were opened with. Resolves to their number.
   */
  async endAsEstimated(tx: Tx, call_ids: string[]): Promise<number> {
    const times = call_ids.map((id) => mintedAt(id).getTime());
    const [first, last] = [new Date(Math.min(...times)), new Date(Math.max(...times))];
    const open = await tx.read<TokenBuckets & { call_id: string }>(LOCK_OPEN, [call_ids, first, last]);
    for (const call of open) {
      const end = { status: 'estimated', is_estimated: true, error_code: 'abandoned', latency_ms: null } as const;
      await closeCall(tx, { ...call, ...end });
    }
    return open.length;
  }

  /** Makes the partitions of this month and the next ones that are missing. */
  async createPartitions(): Promise<void> {
    await this.db.query(CREATE_PARTITIONS);
  }
}
