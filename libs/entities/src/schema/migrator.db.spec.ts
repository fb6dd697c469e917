import { randomBytes } from 'node:crypto';
import { migrations } from '../migrations';
import { createTestDatabase, type TestDatabase } from '../testing';
import { describeUrl, withClient } from './connect';
import { findDrift } from './drift';
import { migrateDatabase } from './migrator';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const admin = (sql: string) =>
  withClient(database.adminUrl, 'TEST_DATABASE_URL', async (client) => (await client.query<object>(sql)).rows);

test('the schema and the entities agree', async () => {
  expect(await findDrift(database.migratorUrl)).toEqual([]);
});

test.each([
  ['a column', 'alter table tasks add surplus text', /to be run: .*DROP COLUMN "surplus"/],
  [
    'a check',
    `alter table tasks drop constraint tasks_status_check,
    add constraint tasks_status_check check (status in ('todo'))`,
    /only in the database: tasks: tasks_status_check .*'todo'::text\)/,
  ],
  [
    'an index',
    'drop index idx_active_agents; create index idx_active_agents on agents (tenant_id, id)',
    /only in the entities: agents: .*WHERE is_active/,
  ],
  [
    'a foreign key',
    `alter table messages drop constraint messages_conversation_id_fkey,
    add constraint messages_conversation_id_fkey foreign key (tenant_id, conversation_id) references conversations`,
    /only in the entities: .*ON DELETE CASCADE/,
  ],
])('%s that differs is drift', async (_, sql, line) => {
  const copy = await createTestDatabase();
  try {
    await withClient(copy.migratorUrl, 'MIGRATOR_DATABASE_URL', (client) => client.query(sql));
    expect(await findDrift(copy.migratorUrl)).toContainEqual(expect.stringMatching(line));
  } finally {
    await copy.drop();
  }
});

test('migrating again changes nothing, and needs no admin', async () => {
  const snapshot = () =>
    admin(`select relname, relacl::text, relfilenode from pg_class where relnamespace = 'public'::regnamespace
      union all select proname, proacl::text, 0 from pg_proc where pronamespace = 'public'::regnamespace
      union all select policyname, tablename, 0 from pg_policies order by 1, 2`);
  const before = await snapshot();
  const urls = { migrator: database.migratorUrl, runtime: database.runtimeUrl };
  expect(await migrateDatabase(urls)).toEqual([]);
  expect(await snapshot()).toEqual(before);
});

test('access that is no longer listed is taken back', async () => {
  await admin(`
    grant all on plans to test_app;
    create policy resolver_old on tasks for select to resolver using (true);
    create function leftover() returns integer language sql as 'select 1';
    alter function leftover() owner to resolver`);
  await migrateDatabase({ migrator: database.migratorUrl, runtime: database.runtimeUrl });
  expect(
    await admin(`select has_table_privilege('test_app', 'plans', 'insert') as granted,
      to_regproc('leftover') as function, (select count(*)::int from pg_policies where policyname = 'resolver_old') as policies`),
  ).toEqual([{ granted: false, function: null, policies: 0 }]);
});

test('several migrations of one new database at once take turns', async () => {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const urlOf = (url: string) => Object.assign(new URL(url), { pathname: name }).href;
  const urls = { admin: database.adminUrl, migrator: urlOf(database.migratorUrl), runtime: urlOf(database.runtimeUrl) };
  try {
    const ran = await Promise.all([migrateDatabase(urls), migrateDatabase(urls), migrateDatabase(urls)]);
    expect(ran.flat()).toEqual(migrations.map(({ name }) => name));
  } finally {
    await admin(`drop database ${name} with (force)`);
  }
});

test('the database belongs to the migrator, and its schema to nobody else', async () => {
  const { role, database: name } = describeUrl(database.migratorUrl);
  expect(
    await admin(`select datdba::regrole::text as owner, nspowner::regrole::text as schema_owner
      from pg_database, pg_namespace where datname = '${name}' and nspname = 'public'`),
  ).toEqual([{ owner: role, schema_owner: role }]);
  const strangers = await admin(`select relname from pg_class
    where relnamespace = 'public'::regnamespace and relowner <> '${role}'::regrole`);
  expect(strangers).toEqual([]);
});

test('an unreachable server is one sentence that names the variable', async () => {
  const nowhere = 'postgres://someone:secret@127.0.0.1:1/taai';
  await expect(migrateDatabase({ migrator: nowhere, runtime: nowhere })).rejects.toThrow(
    /^PostgreSQL at 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): start it or correct MIGRATOR_DATABASE_URL\.$/,
  );
});
