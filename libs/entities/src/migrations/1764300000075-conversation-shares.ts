import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

/** Links that show a conversation to whoever has them, until they expire or are revoked. Their tokens are stored as hashes. */
const SQL = `
  create table conversation_shares (
    tenant_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    token_hash text not null,
    created_by uuid,
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    constraint conversation_shares_pkey primary key (tenant_id, id),
    constraint conversation_shares_token_hash_key unique (token_hash),
    constraint conversation_shares_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade
  );
  create index idx_conversation_shares_conversation on conversation_shares (tenant_id, conversation_id, id);
  ${isolateTenants('conversation_shares')}
`;

export class ConversationShares1764300000075 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table conversation_shares');
  }
}
