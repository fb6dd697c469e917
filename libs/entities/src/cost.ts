import type { TokenUsage } from '@taai/contracts';
import type { PriceEntity } from './entities';
import { parseBigInt } from './pg-types';

/** Tokens of one call in disjoint buckets; null: the provider did not say. */
export type TokenBuckets = Omit<TokenUsage, 'cost_micro_usd' | 'is_estimated'>;

/** A row of `prices`, or, for a model without one, nulls. Micro-USD per million tokens. */
export type Price = { price_id: string | null } & {
  [K in Extract<keyof PriceEntity, `${string}_price`>]: number | null;
};

/**
 * The price of the call `u` when it was made. A model's price stands for its dated snapshots too (`name-2024-08-06`,
 * `name@001`, `name-latest`), but not for whatever else starts with its name: that would be mispriced, so it stays unpriced.
 */
export const PRICE_IN_FORCE = `
  select p.id as price_id, p.input_price, p.cache_read_price, p.cache_write_price, p.output_price, p.reasoning_price
  from prices p
  where p.provider_kind = u.provider_kind and p.effective_from <= u.occurred_at and starts_with(u.model, p.model)
    and substr(u.model, length(p.model) + 1) ~ '^([-@]([0-9][0-9-]*|latest))?$'
  order by length(p.model) desc, p.effective_from desc
  limit 1`;

const MILLION = 1_000_000n;

/** Exact to half a micro-USD, rounded once, on the sum. Null without a price, or when no bucket is known. */
export function costOf(price: Price, tokens: TokenBuckets): number | null {
  const parts = [
    [tokens.input_tokens, price.input_price],
    [tokens.cache_read_tokens, price.cache_read_price ?? price.input_price],
    [tokens.cache_write_tokens, price.cache_write_price ?? price.input_price],
    [tokens.output_tokens, price.output_price],
    [tokens.reasoning_tokens, price.reasoning_price ?? price.output_price],
  ].filter((part): part is [number, number] => part.every((value) => value !== null));
  if (parts.length === 0) return null;
  const sum = parts.reduce((total, [count, rate]) => total + BigInt(count) * BigInt(rate), 0n);
  return parseBigInt(String((sum + MILLION / 2n) / MILLION));
}
