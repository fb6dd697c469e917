const RATES = `p.input_price, p.cache_read_price, p.cache_write_price, p.output_price, p.reasoning_price`;

/** The end of a name that only dates it: `-2024-08-06`, `@001`, `-latest`. At least three digits: `-4-5` is a version. */
const SNAPSHOT = `[-@]([0-9]{3}[0-9-]*|latest)$`;

/**
 * The price of `call` (an alias with `provider_kind`, `model` and `occurred_at`) when it was made, as a row of `Price`; no row where
 * none is known. A tenant's own price comes before the list's. A model's price stands for its dated snapshots too, but not for whatever
 * else starts with its name: that would be mispriced, so it stays unpriced. `*` stands for every model of the kind without another price.
 */
export const priceInForce = (call: string) => `
  select v.price_id, v.input_price, v.cache_read_price, v.cache_write_price, v.output_price, v.reasoning_price,
    v.long_above_tokens, v.long_input_percent, v.long_output_percent
  from (
    select distinct on (p.is_own, p.model) p.*
    from (
      select true as is_own, p.id as price_id, p.provider_kind, p.model, p.effective_from, ${RATES},
        null::bigint as long_above_tokens, null::integer as long_input_percent, null::integer as long_output_percent
      from tenant_prices p
      union all
      select false, p.id, p.provider_kind, p.model, p.effective_from, ${RATES},
        p.long_above_tokens, p.long_input_percent, p.long_output_percent
      from prices p
    ) p
    where p.provider_kind = ${call}.provider_kind and p.effective_from <= ${call}.occurred_at
      and p.model in (${call}.model, regexp_replace(${call}.model, '${SNAPSHOT}', ''), '*')
    order by p.is_own, p.model, p.effective_from desc
  ) v
  where v.input_price is not null
  order by v.is_own desc, v.model = '*', length(v.model) desc
  limit 1`;
