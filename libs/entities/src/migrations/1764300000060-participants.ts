import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from './policy';

const TABLES = ['conversations', 'users'];

const lift = (force: string) => TABLES.map((table) => `alter table ${table} ${force} row level security;`).join('\n  ');

/**
 * Conversations, and the runs in them, belong to who opened them and to whom they share them with. A trigger adds the owner, so that the
 * release before, which knows nothing of it, opens conversations that their owners can find; another one tells the gateways whose streams
 * have to end, but for a tenant that is being erased. Both set the row's tenant, which it is
 * already but for operators who bypass the policies: the functions' owner does not.
 */
const SQL = `
  create table conversation_participants (
    tenant_id uuid not null,
    conversation_id uuid not null,
    user_id uuid not null,
    role text not null constraint conversation_participants_role_check check (role in ('reader', 'writer', 'owner')),
    created_at timestamptz not null default now(),
    constraint conversation_participants_pkey primary key (tenant_id, conversation_id, user_id),
    constraint conversation_participants_conversation_id_fkey
      foreign key (tenant_id, conversation_id) references conversations on delete cascade,
    constraint conversation_participants_user_id_fkey
      foreign key (tenant_id, user_id) references users on delete cascade
  );
  create index idx_conversation_participants_user on conversation_participants (tenant_id, user_id, conversation_id);

  ${lift('no force')}
  insert into conversation_participants (tenant_id, conversation_id, user_id, role)
  select c.tenant_id, c.id, c.user_id, 'owner' from conversations c
  join users u on u.tenant_id = c.tenant_id and u.id = c.user_id;
  ${lift('force')}
  ${isolateTenants('conversation_participants')}

  create function add_conversation_owner() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    perform set_config('app.tenant_id', new.tenant_id::text, true);
    insert into public.conversation_participants (tenant_id, conversation_id, user_id, role)
    values (new.tenant_id, new.id, new.user_id, 'owner');
    return null;
  end $fn$;
  revoke execute on function add_conversation_owner() from public;
  create trigger add_owner after insert on conversations for each row when (new.user_id is not null)
    execute function add_conversation_owner();

  create function conversation_access_changed() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    perform set_config('app.tenant_id', old.tenant_id::text, true);
    insert into public.access_changes (tenant_id, kind, id)
    select t.id, 'conversation', old.conversation_id from public.tenants t where t.id = old.tenant_id and t.status = 'active';
    return null;
  end $fn$;
  revoke execute on function conversation_access_changed() from public;
  create trigger access_changed after delete or update of role on conversation_participants for each row
    execute function conversation_access_changed();
  alter table access_changes drop constraint access_changes_kind_check;
  alter table access_changes add constraint access_changes_kind_check
    check (kind in ('session', 'api_key', 'user', 'tenant', 'conversation'));

  create index idx_agent_runs_user on agent_runs (tenant_id, user_id, agent_id, id) where conversation_id is null;
  create index idx_agent_runs_conversation on agent_runs (tenant_id, conversation_id, id) where conversation_id is not null;
  alter table agents add column separate_approver boolean not null default false;
  alter table tools add column separate_approver boolean not null default false;
  alter table tool_executions add column separate_approver boolean not null default false;
`;

export class Participants1764300000060 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('Whom conversations are shared with would be lost: restore a backup instead.');
  }
}
