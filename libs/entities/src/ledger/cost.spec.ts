import type { TokenBuckets } from '@taai/contracts';
import { costOf, type Price } from './cost';
import { mintedAt } from './ledger';

const price: Price = {
  price_id: 'p',
  input_price: 2_500_000,
  cache_read_price: 1_250_000,
  cache_write_price: null,
  output_price: 10_000_000,
  reasoning_price: null,
  long_above_tokens: null,
  long_input_percent: null,
  long_output_percent: null,
};
const long = { long_above_tokens: 272_000, long_input_percent: 200, long_output_percent: 150 };
const none: TokenBuckets = {
  input_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: null,
  reasoning_tokens: null,
};

test.each<[string, Partial<TokenBuckets>, Partial<Price>, number | null]>([
  ['each bucket at its own price', { input_tokens: 1000, cache_read_tokens: 1000, output_tokens: 100 }, {}, 4750],
  ['reasoning as output without a price of its own', { output_tokens: 10, reasoning_tokens: 90 }, {}, 1000],
  ['reasoning at its own price', { reasoning_tokens: 90 }, { reasoning_price: 1_000_000 }, 90],
  ['a reasoning price of zero is a price', { reasoning_tokens: 90 }, { reasoning_price: 0 }, 0],
  ['cache writes as input without a price of their own', { cache_write_tokens: 1000 }, {}, 2500],
  ['unknown buckets are left out', { input_tokens: 4 }, {}, 10],
  ['no tokens cost nothing', { input_tokens: 0, output_tokens: 0 }, {}, 0],
  ['nothing known: no cost', {}, {}, null],
  [
    'rounded once, on the sum: 0.3 + 0.3 = 0.6 → 1',
    { input_tokens: 3, output_tokens: 3 },
    { input_price: 100_000, output_price: 100_000 },
    1,
  ],
  ['half is rounded up', { input_tokens: 1 }, { input_price: 500_000 }, 1],
  ['less than half is rounded down', { input_tokens: 1 }, { input_price: 499_999 }, 0],
  [
    'exact where floats are not',
    { input_tokens: 9_007_199_254 },
    { input_price: 999_999_999_999 },
    9_007_199_253_990_993,
  ],
  ['a prompt as long as is allowed costs no more', { input_tokens: 272_000, output_tokens: 1000 }, long, 690_000],
  [
    'a longer one, caches included, makes all of the call dearer',
    { input_tokens: 172_000, cache_read_tokens: 100_001, output_tokens: 1000 },
    long,
    860_000 + 250_003 + 15_000,
  ],
  ['no price: no cost', { input_tokens: 5 }, { input_price: null, output_price: null, cache_read_price: null }, null],
])('%s', (_, tokens, prices, cost) => {
  expect(costOf({ ...price, ...prices }, { ...none, ...tokens })).toBe(cost);
});

test('a cost beyond 2^53 is an error, never a wrong number', () => {
  const tokens = { ...none, input_tokens: Number.MAX_SAFE_INTEGER };
  expect(() => costOf({ ...price, input_price: 2_000_000 }, tokens)).toThrow(RangeError);
});

test('the time of a call is in its id', () => {
  expect(mintedAt('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toEqual(new Date('2022-02-22T19:22:22.000Z'));
  expect(() => mintedAt('017f22e2-79b0-4cc3-98c4-dc0c0c07398f')).toThrow('no UUIDv7');
});
