import type { CallOutcome, LedgerEntry, OpenCall } from '@taai/contracts';
import { costOf, type Price } from './cost';
import type { UsageRecordEntity } from '../entities';
import { callColumns, mintedAt } from './ledger';
import { priceInForce } from './price-in-force';
import type { Tx } from '../database/tx';
import { sql } from '../database/statement';

/** What closing a call sets. */
const OUTCOME = [
  'status',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_micro_usd',
  'price_id',
  'is_estimated',
  'error_code',
  'latency_ms',
];

const COLUMNS = ['tenant_id', 'call_id', 'occurred_at', ...callColumns, ...OUTCOME].join(', ');

const PRICES = sql(`
  select price.* from jsonb_to_recordset($1) as c (n integer, provider_kind text, model text, occurred_at timestamptz)
  left join lateral (${priceInForce('c')}) price on true order by c.n`);

const RECORD = sql(`
  insert into usage_records (${COLUMNS}, closed_at)
  select ${COLUMNS}, case when status = 'open' then null else now() end
  from jsonb_populate_recordset(null::usage_records, $1)
  on conflict (tenant_id, call_id, occurred_at) do update
  set ${['input_tokens', ...OUTCOME].map((column) => `${column} = excluded.${column}`).join(', ')}, closed_at = excluded.closed_at
  where usage_records.status <> 'closed' and excluded.status <> 'open'`);

type Closed = LedgerEntry & { outcome: CallOutcome };
/** What is left out is null. */
type Row = Partial<UsageRecordEntity> & Pick<UsageRecordEntity, 'call_id'>;

/**
 * Writes calls of the tenant into the ledger, priced at what was in force when they were made: one row for each, however often and in
 * whatever order their openings and outcomes come. The first outcome counts, and takes the place of a sweep's estimate. Two statements,
 * however many calls. Throws what the database throws, and a RangeError for an id that is no UUIDv7 or a cost beyond 2^53.
 */
export async function recordCalls(tx: Tx, entries: readonly LedgerEntry[]): Promise<void> {
  const calls = oneEach(entries);
  const closed = calls.filter((entry): entry is Closed => entry.outcome !== null);
  const prices = await pricesOf(tx, closed);
  const rows = [
    ...calls.filter(({ outcome }) => outcome === null).map(({ call }) => openRow(tx, call)),
    ...closed.map((entry, n) => closedRow(tx, entry, prices[n])),
  ];
  // In one order everywhere, so that writers with the same calls wait for each other instead of forever.
  rows.sort((one, other) => (one.call_id < other.call_id ? -1 : 1));
  await tx.write(RECORD, [JSON.stringify(rows)]);
}

/** The first outcome of each call, or else its opening. */
function oneEach(entries: readonly LedgerEntry[]): LedgerEntry[] {
  const calls = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    if (!calls.get(entry.call.call_id)?.outcome) calls.set(entry.call.call_id, entry);
  }
  return [...calls.values()];
}

async function pricesOf(tx: Tx, closed: readonly Closed[]): Promise<Price[]> {
  if (closed.length === 0) return [];
  const calls = closed.map(({ call: { call_id, provider_kind, model } }, n) => {
    return { n, provider_kind, model, occurred_at: mintedAt(call_id) };
  });
  return tx.read<Price>(PRICES, [JSON.stringify(calls)]);
}

const openRow = (tx: Tx, call: OpenCall): Row => ({
  ...call,
  tenant_id: tx.tenant_id,
  occurred_at: mintedAt(call.call_id),
  status: 'open',
  is_estimated: true,
});

function closedRow(tx: Tx, { call, outcome }: Closed, price: Price | undefined): Row {
  if (!price) throw new Error('Every closed call was asked a price for.');
  return { ...openRow(tx, call), ...outcome, cost_micro_usd: costOf(price, outcome), price_id: price.price_id };
}
