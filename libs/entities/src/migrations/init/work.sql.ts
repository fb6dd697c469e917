import { isolateTenants } from '../policy';

/** Tasks, jobs, conversations and webhooks. */
export const WORK_SQL = `
  create table tasks (
    tenant_id uuid not null constraint tasks_tenant_id_fkey references tenants,
    id uuid not null,
    title text not null,
    description text,
    status text not null default 'todo'
      constraint tasks_status_check check (status in ('todo', 'in_progress', 'done', 'cancelled')),
    priority text not null default 'medium'
      constraint tasks_priority_check check (priority in ('low', 'medium', 'high', 'urgent')),
    due_at timestamptz,
    assignee_id uuid,
    labels text[] not null default '{}',
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    deleted_at timestamptz,
    constraint tasks_pkey primary key (tenant_id, id),
    -- Only the user's half of the key may become null, never the tenant's.
    constraint tasks_assignee_id_fkey
      foreign key (tenant_id, assignee_id) references users on delete set null (assignee_id)
  );
  create index idx_tasks_tenant_status on tasks (tenant_id, status, id);
  create index idx_tasks_assignee on tasks (tenant_id, assignee_id, id) where assignee_id is not null;
  ${isolateTenants('tasks')}

  create table jobs (
    tenant_id uuid not null constraint jobs_tenant_id_fkey references tenants,
    id uuid not null,
    kind text not null,
    status text not null default 'queued'
      constraint jobs_status_check check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
    progress integer not null default 0,
    total integer,
    input jsonb not null default '{}',
    result jsonb,
    error_code text,
    error_detail text,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint jobs_pkey primary key (tenant_id, id)
  );
  ${isolateTenants('jobs')}

  create table conversations (
    tenant_id uuid not null constraint conversations_tenant_id_fkey references tenants,
    id uuid not null,
    agent_id uuid not null,
    title text,
    user_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_message_at timestamptz,
    constraint conversations_pkey primary key (tenant_id, id),
    constraint conversations_agent_id_fkey foreign key (tenant_id, agent_id) references agents
  );
  create index idx_conversations_agent on conversations (tenant_id, agent_id);
  ${isolateTenants('conversations')}

  create table messages (
    tenant_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    role text not null constraint messages_role_check check (role in ('user', 'assistant', 'system', 'tool')),
    content text not null,
    run_id uuid,
    user_id uuid,
    created_at timestamptz not null default now(),
    constraint messages_pkey primary key (tenant_id, id),
    constraint messages_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade
  );
  -- Ids are UUIDv7: their order is that of time.
  create index idx_messages_conversation on messages (tenant_id, conversation_id, id);
  create unique index messages_answer_key on messages (tenant_id, run_id) where role = 'assistant';
  ${isolateTenants('messages')}

  create table webhooks (
    tenant_id uuid not null constraint webhooks_tenant_id_fkey references tenants,
    id uuid not null,
    url text not null,
    events text[] not null,
    description text,
    secret_ciphertext text not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhooks_pkey primary key (tenant_id, id)
  );
  ${isolateTenants('webhooks')}

  create table webhook_deliveries (
    tenant_id uuid not null,
    id uuid not null,
    webhook_id uuid not null,
    event_id uuid not null,
    event_type text not null,
    payload jsonb not null,
    status text not null default 'pending'
      constraint webhook_deliveries_status_check
      check (status in ('pending', 'delivering', 'delivered', 'failed')),
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    last_status_code integer,
    last_error text,
    delivered_at timestamptz,
    created_at timestamptz not null default now(),
    constraint webhook_deliveries_pkey primary key (tenant_id, id),
    constraint webhook_deliveries_event_key unique (tenant_id, webhook_id, event_id),
    constraint webhook_deliveries_webhook_id_fkey
      foreign key (tenant_id, webhook_id) references webhooks on delete cascade
  );
  create index idx_webhook_deliveries_webhook on webhook_deliveries (tenant_id, webhook_id, id);
  create index idx_webhook_deliveries_open on webhook_deliveries (tenant_id, webhook_id, next_attempt_at)
    where status in ('pending', 'delivering');
  create index idx_webhook_deliveries_due on webhook_deliveries (next_attempt_at)
    where status in ('pending', 'delivering');
  ${isolateTenants('webhook_deliveries')}

  create table outbox (
    tenant_id uuid not null,
    id uuid not null,
    type text not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    claimed_until timestamptz,
    attempts integer not null default 0,
    constraint outbox_pkey primary key (tenant_id, id)
  );
  create index idx_outbox_order on outbox (id);
  ${isolateTenants('outbox')}

  create table idempotency_keys (
    tenant_id uuid not null,
    user_id uuid not null,
    method text not null,
    key text not null,
    request_hash text not null,
    response json not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, user_id, method, key)
  );
  ${isolateTenants('idempotency_keys')}
`;
