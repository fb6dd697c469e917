import { Injectable } from '@nestjs/common';
import type { ModelPrice, ProviderKind, PutPrice } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';
import { v7 } from 'uuid';

/** The newest version of each model that has begun. */
const inForce = (table: string) => `
  select distinct on (p.provider_kind, p.model) p.* from ${table} p
  where p.effective_from <= clock_timestamp() order by p.provider_kind, p.model, p.effective_from desc`;

const fieldsOf = (alias: string) => `
  'input_price', ${alias}.input_price, 'cache_read_price', ${alias}.cache_read_price,
  'cache_write_price', ${alias}.cache_write_price, 'output_price', ${alias}.output_price,
  'reasoning_price', ${alias}.reasoning_price,
  'effective_from', to_char(${alias}.effective_from at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** A tenant's version without a price takes its price back. */
const MODEL_PRICES = `
  select provider_kind, model,
    case when own.id is not null then jsonb_build_object(${fieldsOf('own')}) end as own,
    case when list.id is not null then jsonb_build_object(${fieldsOf('list')},
      'long_above_tokens', list.long_above_tokens, 'long_input_percent', list.long_input_percent,
      'long_output_percent', list.long_output_percent, 'source', list.source) end as list
  from (select * from (${inForce('tenant_prices')}) newest where input_price is not null) own
  full join (${inForce('prices')}) list using (provider_kind, model)`;

const PAGE = sql(`${MODEL_PRICES}
  where ($1::text is null or provider_kind = $1) and ($2::text is null or (provider_kind, model) > ($2, $3::text))
  order by provider_kind, model limit $4`);

const FIND = sql(`${MODEL_PRICES} where provider_kind = $1 and model = $2`);

const LOCK = sql('select pg_advisory_xact_lock(hashtextextended($1, 0))');

const COUNT = sql('select count(distinct (provider_kind, model))::integer as models from tenant_prices');

const INSERT = sql(`
  insert into tenant_prices (tenant_id, id, provider_kind, model, input_price, cache_read_price, cache_write_price,
    output_price, reasoning_price, effective_from)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())`);

@Injectable()
export class PriceRepository {
  constructor(private readonly rls: RlsPool) {}

  /** By kind and model, those after the given ones. */
  page(kind: ProviderKind | undefined, after: readonly string[], limit: number): Promise<ModelPrice[]> {
    return this.rls.read<ModelPrice>(PAGE, [kind ?? null, after[0] ?? null, after[1] ?? null, limit]);
  }

  async find(tx: Tx, provider_kind: ProviderKind, model: string): Promise<ModelPrice> {
    const [price] = await tx.read<ModelPrice>(FIND, [provider_kind, model]);
    return price ?? { provider_kind, model, own: null, list: null };
  }

  /** Nobody else changes the tenant's prices until the transaction ends. */
  async lock(tx: Tx): Promise<void> {
    await tx.read(LOCK, [`prices of ${tx.tenant_id}`]);
  }

  /** How many models have ever had a price of the tenant's own. */
  async count(tx: Tx): Promise<number> {
    const [counted] = await tx.read<{ models: number }>(COUNT);
    return counted?.models ?? 0;
  }

  /** Writes a version that begins now, by the clock: later than versions whose transactions have ended meanwhile. */
  async insert(tx: Tx, { provider_kind, model, price }: PutPrice): Promise<void> {
    const { input_price, cache_read_price, cache_write_price, output_price, reasoning_price } = price ?? {};
    const rates = [input_price, cache_read_price, cache_write_price, output_price, reasoning_price];
    await tx.write(INSERT, [tx.tenant_id, v7(), provider_kind, model, ...rates]);
  }
}
