import type { MigrationInterface, QueryRunner } from 'typeorm';
import { priceRowsSql } from '../ledger/price-list/rows.sql';
import { prices } from '../ledger/price-list/2026-11';
import { isolateTenants } from './policy';

/** Runs of several steps with their tools, and prices of a tenant's own. */
const SQL = `
  alter table agents
    add column variables jsonb not null default '{}',
    add column parameters jsonb not null default '{}',
    add column requires_approval boolean not null default false,
    add column max_cost_micro_usd bigint;

  alter table tools
    add column secret_key_id text,
    add column secret_header_names text[] not null default '{}',
    add column is_active boolean not null default true;
  create index idx_tools_key on tools (secret_key_id);

  create table run_steps (
    tenant_id uuid not null,
    run_id uuid not null,
    step integer not null,
    output text not null,
    tool_calls jsonb not null default '[]',
    usage jsonb,
    last_event_id integer not null,
    created_at timestamptz not null default now(),
    constraint run_steps_pkey primary key (tenant_id, run_id, step),
    constraint run_steps_run_id_fkey foreign key (tenant_id, run_id) references agent_runs on delete cascade
  );
  ${isolateTenants('run_steps')}

  create index idx_agent_runs_waiting on agent_runs (deadline_at) where status = 'waiting_approval';

  alter table tool_executions
    add column position integer not null default 0,
    add column call_event_id integer,
    add column approval_event_id integer,
    add column result_event_id integer;

  alter table usage_records add column step integer;
  create index idx_usage_run on usage_records (tenant_id, run_id) where run_id is not null;

  create table tenant_prices (
    tenant_id uuid not null constraint tenant_prices_tenant_id_fkey references tenants,
    id uuid not null,
    provider_kind text not null,
    model text not null,
    input_price bigint,
    cache_read_price bigint,
    cache_write_price bigint,
    output_price bigint,
    reasoning_price bigint,
    effective_from timestamptz not null default now(),
    constraint tenant_prices_pkey primary key (tenant_id, id),
    constraint tenant_prices_model_key unique (tenant_id, provider_kind, model, effective_from)
  );
  ${isolateTenants('tenant_prices')}

  alter table prices
    add column long_above_tokens bigint,
    add column long_input_percent integer,
    add column long_output_percent integer;
  ${priceRowsSql(prices)}
`;

export class AiEngine1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('The AI engine is not undone: restore a backup instead.');
  }
}
