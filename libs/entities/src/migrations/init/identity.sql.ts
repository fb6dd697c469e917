import { isolateTenants } from '../policy';

/** Plans, tenants, and who may act for them. */
export const IDENTITY_SQL = `
  create table plans (
    id text not null constraint plans_pkey primary key,
    name text not null,
    limits jsonb not null,
    price_micro_usd bigint
  );

  create table tenants (
    id uuid not null constraint tenants_pkey primary key,
    name text not null,
    plan_id text not null default 'free' constraint tenants_plan_id_fkey references plans,
    status text not null default 'active'
      constraint tenants_status_check check (status in ('active', 'suspended', 'deleting')),
    settings jsonb not null default '{}',
    delete_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  ${isolateTenants('tenants', 'id')}

  create table subscriptions (
    tenant_id uuid not null constraint subscriptions_tenant_id_fkey references tenants,
    id uuid not null,
    plan_id text not null constraint subscriptions_plan_id_fkey references plans,
    status text not null default 'active'
      constraint subscriptions_status_check check (status in ('active', 'cancelled', 'ended')),
    current_period_start timestamptz not null,
    current_period_end timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint subscriptions_pkey primary key (tenant_id, id)
  );
  create unique index subscriptions_current_key on subscriptions (tenant_id) where status <> 'ended';
  ${isolateTenants('subscriptions')}

  create table users (
    tenant_id uuid not null constraint users_tenant_id_fkey references tenants,
    id uuid not null,
    email text not null constraint users_email_key unique
      constraint users_email_check check (email = lower(email)),
    name text,
    password_hash text,
    role text not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_login_at timestamptz,
    constraint users_pkey primary key (tenant_id, id)
  );
  ${isolateTenants('users')}

  create table sessions (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    refresh_token_hash text,
    ip text,
    user_agent text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint sessions_pkey primary key (tenant_id, id),
    constraint sessions_user_id_fkey foreign key (tenant_id, user_id) references users on delete cascade
  );
  create index idx_sessions_user on sessions (tenant_id, user_id);
  ${isolateTenants('sessions')}

  create table api_keys (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    prefix text not null,
    key_hash text not null constraint api_keys_key_hash_key unique,
    scopes text[] not null,
    created_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint api_keys_pkey primary key (tenant_id, id),
    constraint api_keys_created_by_fkey foreign key (tenant_id, created_by) references users on delete cascade
  );
  create index idx_api_keys_creator on api_keys (tenant_id, created_by);
  ${isolateTenants('api_keys')}

  create table access_changes (
    tenant_id uuid not null,
    seq bigserial not null,
    kind text not null
      constraint access_changes_kind_check check (kind in ('session', 'api_key', 'user', 'tenant')),
    id uuid not null,
    at timestamptz not null default now(),
    constraint access_changes_pkey primary key (tenant_id, seq)
  );
  create index idx_access_changes_at on access_changes (at);
  ${isolateTenants('access_changes')}

  create table audit_logs (
    tenant_id uuid not null constraint audit_logs_tenant_id_fkey references tenants,
    id uuid not null,
    seq bigint not null,
    actor_type text not null,
    actor_id text,
    action text not null,
    target_type text,
    target_id text,
    before jsonb,
    after jsonb,
    request_id text,
    ip text,
    created_at timestamptz not null default now(),
    previous_hash text,
    hash text not null,
    constraint audit_logs_pkey primary key (tenant_id, id),
    constraint audit_logs_seq_key unique (tenant_id, seq)
  );
  create index idx_audit_logs_target on audit_logs (tenant_id, target_type, target_id);
  ${isolateTenants('audit_logs')}
`;
