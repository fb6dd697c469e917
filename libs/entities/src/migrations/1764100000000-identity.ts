import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

/** Custom roles, one-time links, rotating refresh tokens, the head of the audit chain, leased jobs and their archives. */
const SQL = `
  create table roles (
    tenant_id uuid not null constraint roles_tenant_id_fkey references tenants,
    id uuid not null,
    name text not null,
    description text,
    permissions text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint roles_pkey primary key (tenant_id, id),
    constraint roles_name_key unique (tenant_id, name)
  );
  ${isolateTenants('roles')}

  create table one_time_tokens (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    kind text not null constraint one_time_tokens_kind_check check (kind in ('invite', 'password_reset')),
    token_hash text constraint one_time_tokens_token_hash_key unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_tokens_pkey primary key (tenant_id, id),
    constraint one_time_tokens_user_id_fkey foreign key (tenant_id, user_id) references users on delete cascade
  );
  create index idx_one_time_tokens_user on one_time_tokens (tenant_id, user_id);
  ${isolateTenants('one_time_tokens')}

  alter table sessions add column refresh_salt text, add column refresh_rotated_at timestamptz;
  create unique index sessions_refresh_token_hash_key on sessions (refresh_token_hash);

  create table used_refresh_tokens (
    tenant_id uuid not null,
    token_hash text not null constraint used_refresh_tokens_token_hash_key unique,
    session_id uuid not null,
    used_at timestamptz not null default now(),
    constraint used_refresh_tokens_pkey primary key (tenant_id, token_hash),
    constraint used_refresh_tokens_session_id_fkey
      foreign key (tenant_id, session_id) references sessions on delete cascade
  );
  create index idx_used_refresh_tokens_session on used_refresh_tokens (tenant_id, session_id);
  ${isolateTenants('used_refresh_tokens')}

  create table audit_heads (
    tenant_id uuid not null constraint audit_heads_tenant_id_fkey references tenants,
    seq bigint not null,
    hash text not null,
    constraint audit_heads_pkey primary key (tenant_id)
  );
  ${isolateTenants('audit_heads')}

  alter table jobs add column attempts integer not null default 0, add column lease_until timestamptz;
  create index idx_jobs_open on jobs (kind, lease_until) where status in ('queued', 'running');

  create table job_chunks (
    tenant_id uuid not null,
    job_id uuid not null,
    seq integer not null,
    bytes bytea not null,
    constraint job_chunks_pkey primary key (tenant_id, job_id, seq),
    constraint job_chunks_job_id_fkey foreign key (tenant_id, job_id) references jobs on delete cascade
  );
  ${isolateTenants('job_chunks')}

  alter table webhooks add column secret_key_id text;
  create index idx_webhooks_secret_key on webhooks (secret_key_id);
  create index idx_provider_credentials_key on provider_credentials (key_id);

  create index idx_tenants_delete_at on tenants (delete_at) where status = 'deleting';`;

export class Identity1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('Identity is not undone: restore a backup instead.');
  }
}
