import type { MigrationInterface, QueryRunner } from 'typeorm';

const policies = (...names: string[]) => `
  alter table agents drop constraint agents_concurrent_turns_check;
  alter table agents add constraint agents_concurrent_turns_check
    check (concurrent_turns in (${names.map((name) => `'${name}'`).join(', ')}));`;

/** The message behind which a new one goes: the newest by its id, or the one that was asked for last. */
const parentFunction = (newest: string) => `
  create or replace function set_parent_message() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    if new.parent_message_id is null then
      select m.id into new.parent_message_id from ${newest} limit 1;
    elsif new.parent_message_id = new.id then
      new.parent_message_id := null;
    end if;
    return new;
  end $fn$;`;

const messages = (order: string) =>
  `public.messages m where m.tenant_id = new.tenant_id and m.conversation_id = new.conversation_id order by ${order}`;

/** Where an answer belongs in the order of ids: to its question, or to when that was to be answered once more. */
const askedAt = `
  case when m.role = 'assistant' then coalesce(
    (select r.run_id from public.message_regenerations r where r.tenant_id = m.tenant_id and r.run_id = m.run_id),
    m.parent_message_id, m.id) else m.id end`;

/**
 * Turns wait for those before them. So answers may come behind later questions, and the newest message is the one that was asked for last.
 * It is among the newest by their ids, because a bounded number waits.
 */
const SQL = `
  ${policies('parallel', 'reject', 'interrupt', 'enqueue')}
  alter table agent_runs add column turn integer;
  create index idx_agent_runs_turn on agent_runs (tenant_id, conversation_id, turn)
    where conversation_id is not null and status in ('queued', 'running', 'waiting_approval');
  ${parentFunction(`(select m.* from ${messages('m.id desc')} limit 64) m order by ${askedAt} desc, m.id desc`)}
`;

export class EnqueuedTurns1764300000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table agents no force row level security;
      update agents set concurrent_turns = 'parallel' where concurrent_turns = 'enqueue';
      alter table agents force row level security;
      ${policies('parallel', 'reject', 'interrupt')}
      drop index idx_agent_runs_turn;
      alter table agent_runs drop column turn;
      ${parentFunction(messages('m.id desc'))}`);
  }
}
