import type { MigrationInterface, QueryRunner } from 'typeorm';
import { wordsOf } from '../schema/search-words.sql';

const search = (tenant: string, text: string) => `to_tsvector('simple', ${wordsOf(tenant, text)})`;

/** Finds messages and titles by words. Triggers keep up, for the release before too. */
const SQL = `
  alter table messages add column search tsvector;
  alter table conversations add column search tsvector;
  alter table messages no force row level security;
  alter table conversations no force row level security;
  update messages m set search = ${search('m.tenant_id', 'm.content')};
  update conversations set search = ${search('tenant_id', 'title')} where title is not null;
  alter table messages force row level security;
  alter table conversations force row level security;
  create index idx_messages_search on messages using gin (search);
  create index idx_conversations_search on conversations using gin (search);

  create function index_message() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    new.search := ${search('new.tenant_id', 'new.content')};
    return new;
  end $fn$;
  revoke execute on function index_message() from public;
  create trigger index_words before insert or update of content on messages for each row execute function index_message();

  create function index_conversation() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$
  begin
    new.search := ${search('new.tenant_id', 'new.title')};
    return new;
  end $fn$;
  revoke execute on function index_conversation() from public;
  create trigger index_words before insert or update of title on conversations for each row execute function index_conversation();
`;

export class MessageSearch1764300000078 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger index_words on messages;
      drop trigger index_words on conversations;
      drop function index_message();
      drop function index_conversation();
      alter table messages drop column search;
      alter table conversations drop column search;`);
  }
}
