import { isolateTenants } from '../policy';

/**
 * The ledger by month, and what it is priced with. A partition is filled before it is attached, because rows of its month may
 * wait in the default one. The function's owner sees those only while the policy is not forced on it; and the policy is
 * forced on the new partition before it is attached, because attaching looks the tenants up, of which the owner sees none.
 */
export const MONEY_SQL = `
  create table prices (
    id uuid not null constraint prices_pkey primary key,
    provider_kind text not null,
    model text not null,
    input_price bigint not null,
    cache_read_price bigint,
    cache_write_price bigint,
    output_price bigint not null,
    reasoning_price bigint,
    source text not null,
    effective_from timestamptz not null,
    constraint prices_model_key unique (provider_kind, model, effective_from)
  );

  create table usage_records (
    tenant_id uuid not null constraint usage_records_tenant_id_fkey references tenants,
    call_id uuid not null,
    occurred_at timestamptz not null,
    status text not null constraint usage_records_status_check check (status in ('open', 'closed', 'estimated')),
    kind text not null,
    provider_id uuid,
    provider_kind text not null,
    model text not null,
    agent_id uuid,
    run_id uuid,
    user_id uuid,
    api_key_id uuid,
    conversation_id uuid,
    input_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    cost_micro_usd bigint,
    price_id uuid,
    is_estimated boolean not null default false,
    error_code text,
    latency_ms integer,
    created_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint usage_records_pkey primary key (tenant_id, call_id, occurred_at)
  ) partition by range (occurred_at);
  create index idx_usage_tenant_date on usage_records (tenant_id, occurred_at);
  create index idx_usage_open on usage_records (occurred_at) where status = 'open';
  ${isolateTenants('usage_records')}

  create table usage_records_default partition of usage_records default;
  ${isolateTenants('usage_records_default')}

  create function create_usage_partitions() returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $function$
  declare
    month timestamp;
    partition text;
    created integer := 0;
  begin
    perform pg_advisory_xact_lock(hashtext('create_usage_partitions'));
    for ahead in 0..3 loop
      month := date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead);
      partition := 'usage_records_' || to_char(month, 'YYYY_MM');
      continue when to_regclass('public.' || partition) is not null;
      execute format('create table public.%I (like public.usage_records including all)', partition);
      alter table public.usage_records_default no force row level security;
      execute format(
        'with moved as (delete from public.usage_records_default where occurred_at >= %1$L and occurred_at < %2$L returning *)
         insert into public.%3$I select * from moved',
        month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC', partition);
      alter table public.usage_records_default force row level security;
      execute format($policy$${isolateTenants('public.%1$I')}$policy$, partition);
      execute format(
        'alter table public.usage_records attach partition public.%3$I for values from (%1$L) to (%2$L)',
        month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC', partition);
      created := created + 1;
    end loop;
    return created;
  end $function$;
  revoke execute on function create_usage_partitions() from public;
  select create_usage_partitions();
`;
