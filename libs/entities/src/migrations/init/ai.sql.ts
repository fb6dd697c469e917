import { isolateTenants } from '../policy';

/** Providers, agents, their runs and tools. */
export const AI_SQL = `
  create table providers (
    tenant_id uuid not null constraint providers_tenant_id_fkey references tenants,
    id uuid not null,
    name text not null,
    kind text not null
      constraint providers_kind_check check (kind in ('openai', 'anthropic', 'google', 'groq', 'ollama')),
    base_url text,
    priority integer not null default 100,
    is_active boolean not null default true,
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint providers_pkey primary key (tenant_id, id),
    constraint providers_name_key unique (tenant_id, name)
  );
  ${isolateTenants('providers')}

  create table provider_credentials (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null,
    ciphertext text not null,
    key_id text not null,
    created_at timestamptz not null default now(),
    constraint provider_credentials_pkey primary key (tenant_id, id),
    constraint provider_credentials_provider_id_fkey
      foreign key (tenant_id, provider_id) references providers on delete cascade
  );
  create index idx_provider_credentials_provider on provider_credentials (tenant_id, provider_id, id);
  ${isolateTenants('provider_credentials')}

  create table agents (
    tenant_id uuid not null constraint agents_tenant_id_fkey references tenants,
    id uuid not null,
    name text not null,
    slug text not null,
    description text,
    system_prompt text not null,
    model text not null,
    provider_id uuid,
    fallbacks jsonb not null default '[]',
    temperature double precision,
    max_output_tokens integer,
    max_steps integer,
    tools text[] not null default '{}',
    output_schema jsonb,
    version integer not null default 1,
    is_active boolean not null default true,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint agents_pkey primary key (tenant_id, id),
    constraint agents_slug_key unique (tenant_id, slug),
    constraint agents_provider_id_fkey foreign key (tenant_id, provider_id) references providers
  );
  create index idx_active_agents on agents (tenant_id, id) where is_active;
  create index idx_agents_provider on agents (tenant_id, provider_id);
  ${isolateTenants('agents')}

  create table agent_runs (
    tenant_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    agent_version integer not null,
    conversation_id uuid,
    user_id uuid,
    status text not null default 'queued'
      constraint agent_runs_status_check
      check (status in ('queued', 'running', 'waiting_approval', 'completed', 'failed', 'cancelled')),
    input jsonb not null,
    output text,
    error_code text,
    error_detail text,
    step integer not null default 0,
    state jsonb not null default '{}',
    usage jsonb,
    cost_micro_usd bigint,
    metadata jsonb not null default '{}',
    last_event_id integer not null default 0,
    lease_owner text,
    lease_until timestamptz,
    cancel_requested_at timestamptz,
    deadline_at timestamptz,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    constraint agent_runs_pkey primary key (tenant_id, id),
    constraint agent_runs_agent_id_fkey foreign key (tenant_id, agent_id) references agents
  );
  create index idx_agent_runs_agent on agent_runs (tenant_id, agent_id, id);
  create index idx_agent_runs_active on agent_runs (tenant_id, id)
    where status in ('queued', 'running', 'waiting_approval');
  create index idx_agent_runs_lease on agent_runs (lease_until) where status in ('queued', 'running');
  ${isolateTenants('agent_runs')}

  create table tools (
    tenant_id uuid not null constraint tools_tenant_id_fkey references tenants,
    id uuid not null,
    name text not null,
    description text not null,
    input_schema jsonb not null,
    kind text not null constraint tools_kind_check check (kind in ('builtin', 'http', 'mcp')),
    config jsonb not null default '{}',
    secret_ciphertext text,
    requires_approval boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tools_pkey primary key (tenant_id, id),
    constraint tools_name_key unique (tenant_id, name)
  );
  ${isolateTenants('tools')}

  create table tool_executions (
    tenant_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    tool_id uuid,
    tool_name text not null,
    tool_call_id text not null,
    step integer not null,
    arguments jsonb not null,
    status text not null default 'pending'
      constraint tool_executions_status_check
      check (status in ('pending', 'waiting_approval', 'running', 'completed', 'failed', 'rejected')),
    result jsonb,
    error_code text,
    error_detail text,
    decided_by uuid,
    decided_at timestamptz,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    constraint tool_executions_pkey primary key (tenant_id, id),
    constraint tool_executions_call_key unique (tenant_id, run_id, tool_call_id),
    constraint tool_executions_run_id_fkey foreign key (tenant_id, run_id) references agent_runs on delete cascade
  );
  create index idx_tool_executions_tool on tool_executions (tenant_id, tool_id, id);
  ${isolateTenants('tool_executions')}
`;
