const PLANS = [
  ['free', 'Free', 100, 50, 5, 0],
  ['pro', 'Pro', 1_000, 500, 50, 49_000_000],
  ['enterprise', 'Enterprise', 10_000, 5_000, 500, null],
  ['unlimited', 'Unlimited', null, null, null, null],
] as const;

/** Micro-USD per million tokens: input, cached input, output. Models whose price depends on the prompt's length are left out. */
const OPENAI_PRICES = [
  ['gpt-4o', 2_500_000, 1_250_000, 10_000_000],
  ['gpt-4o-2024-05-13', 5_000_000, null, 15_000_000],
  ['gpt-4o-mini', 150_000, 75_000, 600_000],
  ['gpt-4.1', 2_000_000, 500_000, 8_000_000],
  ['gpt-4.1-mini', 400_000, 100_000, 1_600_000],
  ['gpt-4.1-nano', 100_000, 25_000, 400_000],
  ['o3', 2_000_000, 500_000, 8_000_000],
  ['o4-mini', 1_100_000, 275_000, 4_400_000],
  ['gpt-5', 1_250_000, 125_000, 10_000_000],
  ['gpt-5-mini', 250_000, 25_000, 2_000_000],
  ['gpt-5-nano', 50_000, 5_000, 400_000],
  ['gpt-5.1', 1_250_000, 125_000, 10_000_000],
  ['gpt-5.2', 1_750_000, 175_000, 14_000_000],
  ['gpt-5.4-mini', 750_000, 75_000, 4_500_000],
  ['text-embedding-3-small', 20_000, null, 0],
  ['text-embedding-3-large', 130_000, null, 0],
] as const;

type Value = string | number | null;
const literal = (value: Value) => (typeof value === 'string' ? `'${value}'` : String(value));
const rows = (values: readonly (readonly Value[])[]) =>
  values.map((row) => `(${row.map(literal).join(', ')})`).join(',\n    ');

const planRows = PLANS.map(([id, name, tenant, user, active_runs, price]) => {
  const limits = { requests_per_minute: { tenant, user }, active_runs };
  return [id, name, JSON.stringify(limits), price];
});

const priceRows = OPENAI_PRICES.map(([model, input, cached, output]) => [
  'openai',
  model,
  input,
  cached,
  output,
  `https://platform.openai.com/docs/models/${model}, as listed by models.dev on 2026-07-02`,
]);
const sandboxRow = [
  'openai',
  'sandbox-1',
  150_000,
  75_000,
  600_000,
  'invented: the sandbox that comes with the project',
];

/** Plans for every installation, and first prices. */
export const SEED_SQL = `
  insert into plans (id, name, limits, price_micro_usd) values
    ${rows(planRows)};

  insert into prices (id, provider_kind, model, input_price, cache_read_price, output_price, source, effective_from)
  select gen_random_uuid(), provider_kind, model, input_price, cache_read_price, output_price, source, '2026-01-01Z'
  from (values
    ${rows([...priceRows, sandboxRow])}
  ) as price (provider_kind, model, input_price, cache_read_price, output_price, source);
`;
