import type { ProviderKind } from '@taai/contracts';
import type { PriceEntity } from '../../entities';

/** A price that vendors publish: micro-USD per million tokens. */
export interface ListPrice extends Omit<PriceEntity, 'id' | 'source' | 'effective_from'> {
  provider_kind: ProviderKind;
  /** The page that the price stands on, and who read it there if it was not the page itself that was read. */
  source: string;
  /** The day it was read there: `2026-11-19`. */
  read_on: string;
  /** The day that it holds from, UTC. */
  effective_from: string;
}

/** The prices of a model. Null is the price of input. Reasoning costs as much as output. */
export type PriceLine = readonly [
  model: string,
  input: number,
  cache_read: number | null,
  cache_write: number | null,
  output: number,
];

/** How a long prompt changes the price of the whole call. */
export type LongPrompt = Pick<ListPrice, 'long_above_tokens' | 'long_input_percent' | 'long_output_percent'>;

type Facts = Pick<ListPrice, 'provider_kind' | 'source' | 'read_on' | 'effective_from'> & Partial<LongPrompt>;

const anyLength: LongPrompt = { long_above_tokens: null, long_input_percent: null, long_output_percent: null };

/** Returns the prices that were read in one place. */
export const listed = (facts: Facts, lines: readonly PriceLine[]): ListPrice[] =>
  lines.map(([model, input_price, cache_read_price, cache_write_price, output_price]) => ({
    ...anyLength,
    ...facts,
    model,
    input_price,
    cache_read_price,
    cache_write_price,
    output_price,
    reasoning_price: null,
  }));
