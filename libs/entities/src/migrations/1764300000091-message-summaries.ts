import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

/** What falls out of an agent's context, in few words: of a branch, up to a message. */
const SQL = `
  create table message_summaries (
    tenant_id uuid not null,
    message_id uuid not null,
    conversation_id uuid not null,
    content text,
    claim_id uuid not null,
    claimed_until timestamptz not null,
    created_at timestamptz not null default now(),
    constraint message_summaries_pkey primary key (tenant_id, message_id),
    constraint message_summaries_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade,
    constraint message_summaries_message_id_fkey foreign key (tenant_id, message_id) references messages on delete cascade
  );
  create index idx_message_summaries_conversation on message_summaries (tenant_id, conversation_id);
  ${isolateTenants('message_summaries')}
`;

export class MessageSummaries1764300000091 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('Summaries were paid for: restore a backup instead.');
  }
}
