import { isUuid, type LedgerEntry, type TokenBuckets } from '@taai/contracts';

/** What the stream carries, as far as the database does not check it by itself. Undefined for anything else. */
export function readEntry(body: string | null): LedgerEntry | undefined {
  const entry = parse(body);
  if (!isRecord(entry) || !isUuid(entry['tenant_id'])) return undefined;
  const { call, outcome } = entry;
  if (!isRecord(call) || !isUuid(call['call_id']) || !(outcome === null || isOutcome(outcome))) return undefined;
  return entry as unknown as LedgerEntry;
}

const BUCKETS: readonly (keyof TokenBuckets)[] = [
  ...(['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens'] as const),
];

/** Costs are computed before the database sees the tokens. */
const isOutcome = (value: unknown): boolean => isRecord(value) && BUCKETS.every((bucket) => isCount(value[bucket]));

const isCount = (value: unknown): boolean => value === null || (Number.isSafeInteger(value) && Number(value) >= 0);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function parse(body: string | null): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    return undefined;
  }
}
