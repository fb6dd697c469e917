import type { CloseCall, OpenCall, TokenBuckets, TokenUsage, UsageStatus } from '@taai/contracts';
import { costOf, type Price } from './cost';
import { priceInForce } from './price-in-force';
import type { Tx } from '../database/tx';
import { sql } from '../database/statement';

export type { CloseCall, OpenCall, TokenBuckets } from '@taai/contracts';

/** Returns the time that a UUIDv7 was minted at, to the millisecond. Throws a RangeError for another id. */
export function mintedAt(id: string): Date {
  if (id[14] !== '7') throw new RangeError(`${id} is no UUIDv7: it says nothing about time.`);
  return new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** What is known of a call before it is made, besides its id. */
export const callColumns = [
  'kind',
  'provider_id',
  'provider_kind',
  'model',
  'agent_id',
  'run_id',
  'step',
  'user_id',
  'api_key_id',
  'conversation_id',
  'input_tokens',
] as const satisfies readonly (keyof OpenCall)[];

const OPEN = sql(`
  insert into usage_records (tenant_id, call_id, occurred_at, status, is_estimated, ${callColumns.join(', ')})
  values ($1, $2, $3, 'open', true, ${callColumns.map((_, index) => `$${index + 4}`).join(', ')})
  on conflict do nothing`);

/** Writes a call into the ledger before it is made. The second time changes nothing. */
export async function openCall(tx: Tx, call: OpenCall): Promise<void> {
  const facts = callColumns.map((name) => call[name] ?? null);
  await tx.write(OPEN, [tx.tenant_id, call.call_id, mintedAt(call.call_id), ...facts]);
}

interface Ledgered extends Price, TokenUsage {
  status: UsageStatus;
}

const FIND = sql(`
  select u.status, u.input_tokens, u.cache_read_tokens, u.cache_write_tokens, u.output_tokens, u.reasoning_tokens,
    u.cost_micro_usd, u.is_estimated, price.*
  from usage_records u
  left join lateral (${priceInForce('u')}) price on true
  where u.tenant_id = $1 and u.call_id = $2 and u.occurred_at = $3
  for update of u`);

const CLOSE = sql(`
  update usage_records set status = $4, closed_at = now(), input_tokens = $5, cache_read_tokens = $6,
    cache_write_tokens = $7, output_tokens = $8, reasoning_tokens = $9, cost_micro_usd = $10, price_id = $11,
    is_estimated = $12, error_code = $13, latency_ms = $14
  where tenant_id = $1 and call_id = $2 and occurred_at = $3`);

/**
 * Closes an open call at the price in force when it was made, once: later outcomes of it change nothing. Resolves to what the
 * ledger says, in micro-USD; the cost is null when no price is known or no tokens are. Throws when the call was never opened.
 */
export async function closeCall(tx: Tx, outcome: CloseCall): Promise<TokenUsage> {
  const id = [tx.tenant_id, outcome.call_id, mintedAt(outcome.call_id)];
  const [row] = await tx.read<Ledgered>(FIND, id);
  if (!row) throw new Error(`The provider call ${outcome.call_id} was never opened.`);
  if (row.status !== 'open') return usageOf(row, row.cost_micro_usd);
  const cost = costOf(row, outcome);
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = outcome;
  const buckets = [input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens];
  const { status, is_estimated, error_code, latency_ms } = outcome;
  await tx.write(CLOSE, [...id, status, ...buckets, cost, row.price_id, is_estimated, error_code, latency_ms]);
  return usageOf(outcome, cost);
}

const usageOf = (source: TokenBuckets & { is_estimated: boolean }, cost_micro_usd: number | null): TokenUsage => ({
  input_tokens: source.input_tokens,
  cache_read_tokens: source.cache_read_tokens,
  cache_write_tokens: source.cache_write_tokens,
  output_tokens: source.output_tokens,
  reasoning_tokens: source.reasoning_tokens,
  cost_micro_usd,
  is_estimated: source.is_estimated,
});
