import { databaseServices, type DatabaseService } from '@taai/contracts';
import { DatabaseError, escapeIdentifier, type Client } from 'pg';
import golden from './catalog.golden.json';
import { fillTenant, readTables } from './rows.testing';
import { connect } from './schema/connect';
import { createTenant, createTestDatabase, type TestDatabase } from './testing';

/**
 * The credentials of each service, tried against everything that the catalog knows, within a tenant that has a row in every
 * table. What answers is compared with `catalog.golden.json`, so whatever is not listed there was refused.
 */

interface Relation {
  name: string;
  columns: string[];
}

const RELATIONS = `
  select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attname) as columns
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
  group by c.oid order by c.relname`;

const CALLS = `
  select proname as name, format('select %s(%s)', oid::regproc,
    (select string_agg('null::' || format_type(type, null), ', ') from unnest(proargtypes) as type)) as sql
  from pg_proc where pronamespace = 'public'::regnamespace order by proname`;

let database: TestDatabase;
let tenant: string;
let relations: Relation[];
const clients = new Map<DatabaseService, Client>();

beforeAll(async () => {
  database = await createTestDatabase();
  const admin = await connect(database.adminUrl, 'TEST_DATABASE_URL');
  tenant = await createTenant(database);
  const tables = await readTables(admin);
  const others = tables.filter(({ name }) => name !== 'tenants');
  await fillTenant(admin, others, tenant);
  relations = (await admin.query<Relation>(RELATIONS)).rows;
  await admin.end();
  for (const service of databaseServices) {
    const client = await connect(database.urls[service], service);
    await client.query(`select set_config('app.tenant_id', $1, false)`, [tenant]);
    clients.set(service, client);
  }
});
afterAll(async () => {
  for (const client of clients.values()) await client.end();
  await database.drop();
});

function clientOf(service: DatabaseService): Client {
  const client = clients.get(service);
  if (!client) throw new Error(`${service} is not connected.`);
  return client;
}

/** Whether the role may run the statement. Throws what is no refusal. */
async function may(client: Client, sql: string): Promise<boolean> {
  try {
    await client.query(sql);
    return true;
  } catch (error) {
    if (
      error instanceof DatabaseError &&
      error.code === '42501' &&
      /^(permission denied|must be owner)/.test(error.message)
    )
      return false;
    throw error;
  }
}

/** The same for a statement that would change something: it is undone. */
async function mayTry(client: Client, sql: string): Promise<boolean> {
  await client.query('begin');
  try {
    return await may(client, sql);
  } finally {
    await client.query('rollback');
  }
}

/** Statements that need the right on exactly these columns, and change nothing. */
const attempts = (table: string) => ({
  insert: (columns: string[]) =>
    `insert into ${table} (${columns.join()}) select ${columns.map((name) => `(null::${table}).${name}`).join()} where false`,
  select: (columns: string[]) => `select ${columns.join()} from ${table}`,
  update: (columns: string[]) => `update ${table} set ${columns.map((name) => `${name} = default`).join()} where false`,
});

/** Like `select, update (a, b)`: the verbs that answer for the whole table, then those that do for some columns. */
async function rightsOn(client: Client, { name, columns }: Relation): Promise<string> {
  const whole: string[] = (await may(client, `delete from ${name} where false`)) ? ['delete'] : [];
  const partial: string[] = [];
  for (const [verb, sqlFor] of Object.entries(attempts(name))) {
    if (await may(client, sqlFor(columns.map(escapeIdentifier)))) {
      whole.push(verb);
      continue;
    }
    const answering: string[] = [];
    for (const column of columns) if (await may(client, sqlFor([escapeIdentifier(column)]))) answering.push(column);
    if (answering.length > 0) partial.push(`${verb} (${answering.join(', ')})`);
  }
  return [...whole, ...partial].join(', ');
}

test('everything is tried: partitions and the list of migrations, too', () => {
  const names = relations.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['migrations', 'usage_records', 'usage_records_default', 'users']));
  expect(names.length).toBeGreaterThanOrEqual(34);
});

describe.each(databaseServices)('the credentials of %s', (service) => {
  test('reach the listed tables and columns alone', async () => {
    const reached: string[] = [];
    for (const relation of relations) {
      const rights = await rightsOn(clientOf(service), relation);
      if (rights !== '') reached.push(`${relation.name}: ${rights}`);
    }
    expect(reached).toEqual(golden.service_grants[service]);
  });

  test('call the listed functions alone', async () => {
    const reached: string[] = [];
    for (const { name, sql } of await database.admin<{ name: string; sql: string }>(CALLS)) {
      if (await mayTry(clientOf(service), sql)) reached.push(name);
    }
    expect(reached).toEqual(golden.service_functions[service]);
  });

  test('use the listed sequences alone, and set none', async () => {
    const sequences = await database.admin<{ name: string }>(
      `select oid::regclass::text as name from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace`,
    );
    const reached: string[] = [];
    for (const { name } of sequences) {
      if (await mayTry(clientOf(service), `select nextval('${name}')`)) reached.push(`${name}: usage`);
      expect(await mayTry(clientOf(service), `select setval('${name}', 1)`)).toBe(false);
    }
    expect(reached).toEqual(golden.service_sequences[service]);
  });

  test('empty, change and copy no table, and make nothing', async () => {
    const statements = relations.flatMap(({ name }) => [
      `truncate ${name} cascade`,
      `alter table ${name} no force row level security`,
      `create policy wide on ${name} using (true)`,
    ]);
    const others = [
      'create table mine (id uuid)',
      'create schema mine',
      'create role mine',
      `copy tasks to '/tmp/mine'`,
    ];
    const done: string[] = [];
    for (const sql of [...statements, ...others]) if (await mayTry(clientOf(service), sql)) done.push(sql);
    expect(done).toEqual([]);
  });

  test('become nobody else', async () => {
    const roles = await database.admin<{ name: string }>(
      'select quote_ident(rolname) as name from pg_roles where rolname <> $1',
      [`test-${service}`],
    );
    expect(roles.map(({ name }) => name)).toEqual(expect.arrayContaining(['resolver', 'test_migrator', 'postgres']));
    const become: string[] = [];
    for (const { name } of roles) {
      if (await mayTry(clientOf(service), `set local role ${name}`)) become.push(name);
      if (await mayTry(clientOf(service), `set local session authorization ${name}`)) become.push(name);
    }
    expect(become).toEqual([]);
  });
});

test('of the answers kept for Idempotency-Keys a service reaches those to its own methods alone', async () => {
  const [task, chat] = [clientOf('task'), clientOf('chat')];
  const keep = `insert into idempotency_keys (tenant_id, user_id, method, key, request_hash, response, expires_at)
    values ($1, $1, 'task.create', 'k', '', '{}', now())`;
  await task.query(keep, [tenant]);
  const seen = `select method from idempotency_keys where key = 'k'`;
  expect((await task.query(seen)).rows).toEqual([{ method: 'task.create' }]);
  expect((await chat.query(seen)).rows).toEqual([]);
  expect((await chat.query(`delete from idempotency_keys where key = 'k'`)).rowCount).toBe(0);
  await expect(chat.query(keep.replace(`'k'`, `'other'`), [tenant])).rejects.toMatchObject({ code: '42501' });
});
