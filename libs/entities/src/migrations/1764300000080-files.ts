import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

const MB = 1024 * 1024;

/** Bytes of all files of a tenant, by plan. */
const STORED = { free: 500 * MB, pro: 20_000 * MB, enterprise: 1_000_000 * MB, unlimited: null };

const updates = Object.entries(STORED).map(
  ([plan, stored_file_bytes]) =>
    `update plans set limits = limits || '${JSON.stringify({ stored_file_bytes })}' where id = '${plan}';`,
);

/** Files, and in which conversations they are attached to messages: who sees one of these may read them. */
const SQL = `
  create table files (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid,
    status text not null default 'uploading' constraint files_status_check check (status in ('uploading', 'ready', 'deleting')),
    filename text not null default '',
    purpose text not null default 'user_data',
    content_type text not null default '',
    bytes bigint not null default 0,
    sha256 text,
    stored_as uuid,
    created_at timestamptz not null default now(),
    constraint files_pkey primary key (tenant_id, id),
    constraint files_tenant_id_fkey foreign key (tenant_id) references tenants
  );
  create index idx_files_user on files (tenant_id, user_id, id);
  create index idx_files_bytes on files (tenant_id, status, bytes);
  create index idx_files_unfinished on files (created_at) where status <> 'ready';

  create table conversation_files (
    tenant_id uuid not null,
    file_id uuid not null,
    conversation_id uuid not null,
    constraint conversation_files_pkey primary key (tenant_id, file_id, conversation_id),
    constraint conversation_files_file_id_fkey foreign key (tenant_id, file_id) references files on delete cascade,
    constraint conversation_files_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade
  );
  create index idx_conversation_files_conversation on conversation_files (tenant_id, conversation_id);
  ${isolateTenants('files')}
  ${isolateTenants('conversation_files')}

  alter table messages add column attachments jsonb not null default '[]';
  ${updates.join('\n  ')}
`;

export class Files1764300000080 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('Files would be lost: restore a backup instead.');
  }
}
