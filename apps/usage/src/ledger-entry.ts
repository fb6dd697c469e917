import { isUuid, type LedgerEntry, type TokenBuckets } from '@taai/contracts';

/** Parses an entry of the stream. Returns undefined for a text that is none, as far as the database does not check it. */
export function readEntry(body: string | null): LedgerEntry | undefined {
  const entry = parse(body);
  return isEntry(entry) ? entry : undefined;
}

function isEntry(value: unknown): value is LedgerEntry {
  if (!isRecord(value) || !isUuid(value['tenant_id'])) return false;
  const { call, outcome } = value;
  return isRecord(call) && isUuid(call['call_id']) && (outcome === null || isOutcome(outcome));
}

const BUCKETS: readonly (keyof TokenBuckets)[] = [
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
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
