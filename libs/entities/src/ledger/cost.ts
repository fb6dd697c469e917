import type { TokenBuckets } from '@taai/contracts';
import type { PriceEntity } from '../entities';
import { parseBigInt } from '../database/pg-types';

type Rates = Extract<keyof PriceEntity, `${string}_price` | `long_${string}`>;

/** A row of `prices` or `tenant_prices`, in micro-USD per million tokens; all null for a model without one. */
export type Price = { price_id: string | null } & { [K in Rates]: number | null };

const SCALE = 100_000_000n; // a million tokens, times the 100 of a percentage

/** Returns the cost in micro-USD, of which the sum is rounded once; null without a price, or when no bucket is known. */
export function costOf(price: Price, tokens: TokenBuckets): number | null {
  const isLong = price.long_above_tokens !== null && promptOf(tokens) > price.long_above_tokens;
  const input = (isLong ? price.long_input_percent : null) ?? 100;
  const output = (isLong ? price.long_output_percent : null) ?? 100;
  const parts = [
    [tokens.input_tokens, price.input_price, input],
    [tokens.cache_read_tokens, price.cache_read_price ?? price.input_price, input],
    [tokens.cache_write_tokens, price.cache_write_price ?? price.input_price, input],
    [tokens.output_tokens, price.output_price, output],
    [tokens.reasoning_tokens, price.reasoning_price ?? price.output_price, output],
  ].filter((part): part is [number, number, number] => part.every((value) => value !== null));
  if (parts.length === 0) return null;
  const sum = parts.reduce((total, part) => total + part.reduce((product, value) => product * BigInt(value), 1n), 0n);
  return parseBigInt(String((sum + SCALE / 2n) / SCALE));
}

const promptOf = ({ input_tokens, cache_read_tokens, cache_write_tokens }: TokenBuckets): number =>
  (input_tokens ?? 0) + (cache_read_tokens ?? 0) + (cache_write_tokens ?? 0);
