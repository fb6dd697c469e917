import type { ListPrice } from './list-price';

const COLUMNS = [
  'provider_kind',
  'model',
  'input_price',
  'cache_read_price',
  'cache_write_price',
  'output_price',
  'reasoning_price',
  'long_above_tokens',
  'long_input_percent',
  'long_output_percent',
] as const satisfies readonly (keyof ListPrice)[];

type Value = string | number | null;
const literal = (value: Value) => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value));

const row = (price: ListPrice) =>
  [
    'gen_random_uuid()',
    ...COLUMNS.map((column) => literal(price[column])),
    literal(`${price.source}, read on ${price.read_on}`),
    literal(`${price.effective_from}Z`),
  ].join(', ');

/** Returns SQL that adds the prices: a new version for each model, from the day that its price holds from. */
export const priceRowsSql = (prices: readonly ListPrice[]): string => `
  insert into prices (id, ${COLUMNS.join(', ')}, source, effective_from) values
    (${prices.map(row).join('),\n    (')});`;
