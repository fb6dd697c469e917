import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

/**
 * A conversation that is deleted waits for 30 days, in which it can be restored. Its participants are moved away meanwhile: whatever shows
 * conversations, runs or files to who takes part, in the release before too, shows them to nobody. Gateways are told of conversations that
 * go and of links that end, so that streams end that show them.
 */
const SQL = `
  alter table conversations add column deleted_at timestamptz;
  create index idx_conversations_deleted on conversations (tenant_id, deleted_at) where deleted_at is not null;

  create table deleted_participants (
    tenant_id uuid not null,
    conversation_id uuid not null,
    user_id uuid not null,
    role text not null constraint deleted_participants_role_check check (role in ('reader', 'writer', 'owner')),
    created_at timestamptz not null default now(),
    pinned_at timestamptz,
    constraint deleted_participants_pkey primary key (tenant_id, conversation_id, user_id),
    constraint deleted_participants_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade,
    constraint deleted_participants_user_id_fkey
      foreign key (tenant_id, user_id) references users on delete cascade
  );
  create index idx_deleted_participants_user on deleted_participants (tenant_id, user_id, conversation_id);
  ${isolateTenants('deleted_participants')}

  create function conversation_gone() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    perform set_config('app.tenant_id', old.tenant_id::text, true);
    insert into public.access_changes (tenant_id, kind, id)
    select t.id, 'conversation', old.id from public.tenants t where t.id = old.tenant_id and t.status = 'active';
    return null;
  end $fn$;
  revoke execute on function conversation_gone() from public;
  create trigger access_changed after delete or update of deleted_at on conversations for each row
    execute function conversation_gone();
  create trigger access_changed after delete or update of revoked_at on conversation_shares for each row
    execute function conversation_access_changed();
`;

export class DeletedConversations1764300000095 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('What was deleted would be back, and its participants lost: restore a backup instead.');
  }
}
