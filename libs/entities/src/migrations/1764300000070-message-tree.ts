import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

/**
 * Messages of a conversation form a tree: who edits one, or has an answer given anew, keeps both branches. A message without a parent goes
 * on from the newest one, as those do that the release before writes; a first message names itself, and has none. The function must not set
 * the row's tenant: it comes before the policy that refuses another one's.
 */
const SQL = `
  alter table messages add column parent_message_id uuid;
  alter table messages no force row level security;
  update messages m set parent_message_id = p.before
  from (select tenant_id, id, lag(id) over (partition by tenant_id, conversation_id order by id) as before from messages) p
  where p.tenant_id = m.tenant_id and p.id = m.id and p.before is not null;
  alter table messages add constraint messages_parent_message_id_fkey
    foreign key (tenant_id, parent_message_id) references messages on delete cascade;
  alter table messages force row level security;
  create index idx_messages_parent on messages (tenant_id, parent_message_id);
  create index idx_messages_question on messages (tenant_id, run_id) where role = 'user';

  create function set_parent_message() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    if new.parent_message_id is null then
      select m.id into new.parent_message_id from public.messages m
      where m.tenant_id = new.tenant_id and m.conversation_id = new.conversation_id order by m.id desc limit 1;
    elsif new.parent_message_id = new.id then
      new.parent_message_id := null;
    end if;
    return new;
  end $fn$;
  revoke execute on function set_parent_message() from public;
  create trigger set_parent before insert on messages for each row execute function set_parent_message();

  create table message_regenerations (
    tenant_id uuid not null,
    run_id uuid not null,
    conversation_id uuid not null,
    message_id uuid not null,
    created_at timestamptz not null default now(),
    constraint message_regenerations_pkey primary key (tenant_id, run_id),
    constraint message_regenerations_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade,
    constraint message_regenerations_message_id_fkey
      foreign key (tenant_id, message_id) references messages on delete cascade
  );
  create index idx_message_regenerations_conversation on message_regenerations (tenant_id, conversation_id, run_id);
  ${isolateTenants('message_regenerations')}

  create table message_feedback (
    tenant_id uuid not null,
    message_id uuid not null,
    user_id uuid not null,
    rating text not null constraint message_feedback_rating_check check (rating in ('up', 'down')),
    comment text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint message_feedback_pkey primary key (tenant_id, message_id, user_id),
    constraint message_feedback_message_id_fkey foreign key (tenant_id, message_id) references messages on delete cascade,
    constraint message_feedback_user_id_fkey foreign key (tenant_id, user_id) references users on delete cascade
  );
  ${isolateTenants('message_feedback')}

  alter table conversations add column metadata jsonb not null default '{}';
  alter table conversations add column archived_at timestamptz;
  alter table conversation_participants add column pinned_at timestamptz;
`;

export class MessageTree1764300000070 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('Branches of conversations would be lost: restore a backup instead.');
  }
}
