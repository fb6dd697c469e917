import { providerKinds } from '@taai/contracts';
import { prices } from './2026-11';
import { priceRowsSql } from './rows.sql';

const DAY = /^20\d\d-\d\d-\d\d$/;
const named = prices.map(
  (price) => [`${price.provider_kind}/${price.model} from ${price.effective_from}`, price] as const,
);

test('each model has one price at a time', () => {
  expect(new Set(named.map(([name]) => name)).size).toBe(prices.length);
});

test('every kind of provider is priced, and the sandbox in each', () => {
  expect(new Set(prices.map(({ provider_kind }) => provider_kind))).toEqual(new Set(providerKinds));
  // In OpenAI's format it was priced by the first migration.
  expect(prices.filter(({ model }) => model === 'sandbox-1').map(({ provider_kind }) => provider_kind)).toEqual(
    providerKinds.filter((kind) => kind !== 'openai'),
  );
});

describe.each(named)('%s', (_, price) => {
  const { input_price, cache_read_price, cache_write_price, output_price, reasoning_price } = price;
  const rates = [input_price, cache_read_price, cache_write_price, output_price, reasoning_price];

  test('costs whole micro-USD', () => {
    for (const rate of rates.filter((rate) => rate !== null))
      expect(Number.isSafeInteger(rate) && rate >= 0).toBe(true);
  });

  test('is free only where nobody sends a bill', () => {
    if (price.provider_kind !== 'ollama') expect(input_price).toBeGreaterThan(0);
  });

  test('reads a cache for no more than it reads afresh', () => {
    expect(cache_read_price ?? 0).toBeLessThanOrEqual(input_price);
  });

  test('says in full what a long prompt costs, or nothing of it', () => {
    const long = [price.long_above_tokens, price.long_input_percent, price.long_output_percent];
    expect(long.every((value) => value === null) || long.every((value) => Number.isSafeInteger(value))).toBe(true);
    if (price.long_input_percent !== null) expect(price.long_input_percent).toBeGreaterThan(100);
  });

  test('was read somewhere, on a day that has been', () => {
    expect(price.source).toMatch(/https:\/\/|^invented: /);
    expect(price.read_on).toMatch(DAY);
    expect(price.effective_from).toMatch(DAY);
    expect(Date.parse(price.read_on)).toBeLessThanOrEqual(Date.parse('2026-11-24'));
  });
});

test('a quote in a source ends no literal', () => {
  const [price] = prices;
  if (!price) throw new Error('The list is empty.');
  expect(priceRowsSql([{ ...price, source: "it's here" }])).toContain("'it''s here, read on ");
});
