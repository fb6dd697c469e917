import { randomBytes } from 'node:crypto';
import { migrations } from '../migrations';
import { createTestDatabase, type TestDatabase } from '../testing';
import { describeUrl, withClient } from './connect';
import { findDrift } from './drift';
import { byDatabaseService } from '@taai/contracts';
import { migrateDatabase } from './migrator';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const admin = (sql: string) => database.admin(sql);
const migrate = () => migrateDatabase({ migrator: database.migratorUrl, services: database.urls });

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
  expect(await migrate()).toEqual([]);
  expect(await snapshot()).toEqual(before);
});

const LEFTOVERS = `
  select count(*)::int as count from (
    select a.grantee from pg_class, aclexplode(relacl) a where relnamespace = 'public'::regnamespace
    union all select a.grantee from pg_attribute, aclexplode(attacl) a
    union all select a.grantee from pg_proc, aclexplode(proacl) a where pronamespace = 'public'::regnamespace
    union all select a.grantee from pg_namespace, aclexplode(nspacl) a
  ) as rights where grantee::regrole::text like any ('{old_%,-}') and grantee <> 0
    or grantee = 0 and exists (select from pg_class, aclexplode(relacl) a where a.grantee = 0 and relname = 'plans')`;

test('access that is not listed is taken back, from whatever role has it', async () => {
  await admin(`
    create role old_app; create role old_friend;
    grant usage, create on schema public to old_app;
    grant select, insert, update, delete on all tables in schema public to old_app;
    grant select (email) on users to old_app;
    grant usage on all sequences in schema public to old_app;
    grant execute on all functions in schema public to old_app;
    grant all on tasks to old_app with grant option;
    set role old_app; grant select on tasks to old_friend; reset role;
    grant select on plans to public;
    grant truncate on tasks to "test-task";
    grant select on usage_records_default to "test-usage";
    create policy resolver_old on tasks for select to resolver using (true);
    create policy service_old on idempotency_keys to "test-auth" using (true);
    create function leftover() returns integer language sql as 'select 1';
    alter function leftover() owner to resolver`);
  try {
    await migrate();
    expect(await admin(LEFTOVERS)).toEqual([{ count: 0 }]);
    expect(
      await admin(`select has_table_privilege('test-task', 'tasks', 'truncate') as truncate,
        has_table_privilege('test-usage', 'usage_records_default', 'select') as partition, to_regproc('leftover') as function,
        (select count(*)::int from pg_policies where policyname in ('resolver_old', 'service_old')) as policies`),
    ).toEqual([{ truncate: false, partition: false, function: null, policies: 0 }]);
  } finally {
    await admin('drop owned by old_app, old_friend; drop role old_app, old_friend');
  }
});

test('a service may change its role: the new one has the rights, and the old one none', async () => {
  const url = Object.assign(new URL(database.urls.task), { username: 'Renamed task' }).href;
  const services = { ...database.urls, task: url };
  const reach = (role: string) =>
    admin(`select has_table_privilege('${role}', 'tasks', 'select') as table_,
      (select '{${role}}' = roles from pg_policies where policyname = 'service_task') as policy`);
  try {
    await migrateDatabase({ admin: database.adminUrl, migrator: database.migratorUrl, services });
    expect(await reach('Renamed task')).toEqual([{ table_: true, policy: true }]);
    expect(await reach('test-task')).toEqual([{ table_: false, policy: false }]);
    await migrate();
    expect(await reach('test-task')).toEqual([{ table_: true, policy: true }]);
  } finally {
    await admin('drop owned by "Renamed task"; drop role "Renamed task"');
  }
});

test("two services cannot share a role, nor one have the owner's", async () => {
  const { urls, migratorUrl: migrator } = database;
  await expect(migrateDatabase({ migrator, services: { ...urls, chat: urls.task } })).rejects.toThrow(
    'TASK_DATABASE_URL and CHAT_DATABASE_URL name one role, "test-task": each needs its own.',
  );
  await expect(migrateDatabase({ migrator, services: { ...urls, usage: migrator } })).rejects.toThrow(
    'MIGRATOR_DATABASE_URL and USAGE_DATABASE_URL name one role',
  );
});

test('several migrations of one new database at once take turns', async () => {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const urlOf = (url: string) => Object.assign(new URL(url), { pathname: name }).href;
  const services = byDatabaseService((service) => urlOf(database.urls[service]));
  const urls = { admin: database.adminUrl, migrator: urlOf(database.migratorUrl), services };
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
  await expect(migrateDatabase({ migrator: nowhere, services: database.urls })).rejects.toThrow(
    /^PostgreSQL at 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): start it or correct MIGRATOR_DATABASE_URL\.$/,
  );
});
