// Search in the conversations of a tenant with 1,000,000 messages, as chat asks for it, behind row level security; against the same full-text query of
// a superuser in a table of that tenant's messages alone.
import { join } from 'node:path';
import { Client } from 'pg';
import { buildAll } from '../scripts/build.ts';
import { run } from '../scripts/lib/run.ts';
import { temporaryFolder, temporaryPostgres } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { percentile, report, type Measure } from './report.ts';

const MESSAGES = 1_000_000;
const CONVERSATIONS = 20_000;
const USERS = 200;
const OTHERS = 500_000;
const ROUNDS = 5;
const QUERIES = 40;
const LIMIT = 21;

/** Words whose n-th stands in about one of n messages, as in languages; a message has twenty. */
const FILL = `
  insert into messages (tenant_id, id, conversation_id, parent_message_id, role, content)
  select $1, id, conversation, id, 'user', (
    select string_agg('w' || floor(exp(random() * ln(50000)))::int, ' ') from generate_series(1, 20) n where g > 0)
  from (select g, gen_random_uuid() as id, ids[1 + g % array_length(ids, 1)] as conversation
    from generate_series($3::int, $4::int) g, (select $2::uuid[] as ids)) as new`;

const SEARCH = 'select id from search_conversations($1, $2, $3, null, $4)';
const PLAIN = `
  select distinct conversation_id as id from plain_messages m where words @@ websearch_to_tsquery('simple', $1) and exists (
    select from plain_participants p where p.conversation_id = m.conversation_id and p.user_id = $2)
  order by 1 desc limit $3`;

async function tenantWith(db: Client, messages: number): Promise<{ tenant: string; users: string[] }> {
  const insert = async (sql: string, params: unknown[]) =>
    (await db.query<{ id: string }>(sql, params)).rows.map(({ id }) => id);
  const [tenant = ''] = await insert(
    `insert into tenants (id, name, plan_id) values (gen_random_uuid(), 'Search', 'unlimited') returning id`,
    [],
  );
  const users = await insert(
    `insert into users (tenant_id, id, email, role)
     select $1, id, id || '@example.com', 'member' from (select gen_random_uuid() as id from generate_series(1, $2)) u returning id`,
    [tenant, USERS],
  );
  const [agent] = await insert(
    `insert into agents (tenant_id, id, name, slug, system_prompt, model) values ($1, gen_random_uuid(), 'A', 'a', '', 'm') returning id`,
    [tenant],
  );
  const conversations = await insert(
    `insert into conversations (tenant_id, id, agent_id, user_id)
     select $1, gen_random_uuid(), $2, ($3::uuid[])[1 + g % $4] from generate_series(1, $5) g returning id`,
    [tenant, agent, users, USERS, CONVERSATIONS],
  );
  for (let from = 1; from <= messages; from += 100_000) {
    await db.query(FILL, [tenant, conversations, from, Math.min(messages, from + 99_999)]);
    console.log(`${from + 99_999} messages …`);
  }
  return { tenant, users };
}

/** From rare to common. */
const words = [['w40000'], ['w3000'], ['w200'], ['w10'], ['w500', 'w700']];

async function times(
  query: (words: string, user: string) => Promise<unknown>,
  asked: string,
  users: string[],
): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < QUERIES; n += 1) {
    const since = performance.now();
    await query(asked, users[n % users.length] ?? '');
    found.push(performance.now() - since);
  }
  return found;
}

await run(async (scope) => {
  await buildAll(['migrate']);
  const folder = await temporaryFolder(scope);
  const server = await temporaryPostgres(scope, folder);
  const urls = databaseUrls(server, makeKeys().passwords);
  await migrate(urls, { logFile: join(folder, 'migrate.log') });
  const admin = new Client(Object.assign(new URL(server), { pathname: new URL(urls.migrator).pathname }).href);
  const chat = new Client(urls.services.chat);
  await Promise.all([admin.connect(), chat.connect()]);
  await scope.defer(() => Promise.all([admin.end(), chat.end()]));
  console.log('Filling the database …');
  await tenantWith(admin, OTHERS);
  const { tenant, users } = await tenantWith(admin, MESSAGES);
  await admin.query(`
    create table plain_messages as select conversation_id, to_tsvector('simple', content) as words from messages where tenant_id = '${tenant}';
    create index on plain_messages using gin (words);
    create table plain_participants as select conversation_id, user_id from conversation_participants where tenant_id = '${tenant}';
    create index on plain_participants (conversation_id, user_id)`);
  for (const sql of ['vacuum analyze', 'checkpoint']) await admin.query(sql);
  const measures: Measure[] = [];
  for (const one of words) {
    const asked = one.join(' ');
    const [p50, p95]: [Measure, Measure] = [
      { name: `${asked}: p50`, unit: 'ms', baseline: [], ours: [] },
      { name: `${asked}: p95`, unit: 'ms', baseline: [], ours: [] },
    ];
    for (let round = 0; round < ROUNDS; round += 1) {
      const plain = await times((text, user) => admin.query(PLAIN, [text, user, LIMIT]), asked, users);
      const ours = await times((text, user) => chat.query(SEARCH, [tenant, user, text, LIMIT]), asked, users);
      for (const [measure, share] of [
        [p50, 50],
        [p95, 95],
      ] as const) {
        measure.baseline.push(percentile(plain, share));
        measure.ours.push(percentile(ours, share));
      }
    }
    measures.push(p50, p95);
  }
  await report({
    name: 'search',
    title: 'Search in a tenant of 1,000,000 messages, 20,000 conversations and 200 users',
    measures,
  });
  return 0;
});
