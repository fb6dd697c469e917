import { databaseServices, type DatabaseService } from '@taai/contracts';
import { DatabaseError, type Client, type QueryResult } from 'pg';
import { v7 } from 'uuid';
import { fillTenant, insertRow, makeRow, readTables, type Row, type TableFacts } from '../rows.testing';
import { connect } from './connect';
import { createTestDatabase, type TestDatabase } from '../testing';

/**
 * Every tenant table × verb × context × role that has a right on it, rows and tables generated from the catalog: a new table is
 * covered by itself.
 */

const own = v7();
const foreign = v7();
const verbs = ['read', 'insert', 'update', 'delete'] as const;
const contexts = ['own', 'foreign', 'unset', 'empty'] as const;
type Verb = (typeof verbs)[number];
type Context = (typeof contexts)[number];

/** A table as one service sees it. */
interface Case extends TableFacts {
  service: DatabaseService;
  may: Record<Verb, boolean>;
  /** Columns that it may name in an insert. */
  insertable: string[];
  /** A column that it may update. */
  updatable: string | null;
}

let database: TestDatabase;
let admin: Client;
/** Once set, a setting is never unset again: that context has connections of its own. */
const clients = new Map<string, Client>();
let tables: TableFacts[];
const cases: Case[] = [];
let rows: Map<string, Row>;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = await connect(database.adminUrl, 'TEST_DATABASE_URL');
  tables = await readTables(admin);
  rows = await fillTenant(admin, tables, own);
  await fillTenant(admin, tables, foreign);
  for (const service of databaseServices) {
    for (const kind of ['set', 'unset'])
      clients.set(`${service} ${kind}`, await connect(database.urls[service], service));
    cases.push(...(await casesOf(service)));
  }
});
afterAll(async () => {
  await Promise.all([admin, ...clients.values()].map((client) => client.end()));
  await database.drop();
});

const RIGHTS = `
  select c.oid::regclass::text as name,
    has_table_privilege($1, c.oid, 'select') as read, has_table_privilege($1, c.oid, 'delete') as delete,
    coalesce(array_agg(attname::text) filter (where has_column_privilege($1, c.oid, attnum, 'insert')), '{}') as insertable,
    min(attname::text) filter (where has_column_privilege($1, c.oid, attnum, 'update')) as updatable
  from pg_class c join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped
  where c.oid = any ($2::text[]::regclass[]) group by c.oid`;

interface Rights extends Pick<Case, 'name' | 'insertable' | 'updatable'>, Pick<Case['may'], 'read' | 'delete'> {}

async function casesOf(service: DatabaseService): Promise<Case[]> {
  const role = new URL(database.urls[service]).username;
  const { rows } = await admin.query<Rights>(RIGHTS, [role, tables.map(({ name }) => name)]);
  const found = tables.map((table) => {
    const rights = rows.find(({ name }) => name === table.name);
    if (!rights) throw new Error(`The catalog does not know ${table.name}.`);
    const { insertable, updatable, read, delete: remove } = rights;
    const may = { read, delete: remove, insert: insertable.length > 0, update: updatable !== null };
    return { ...table, service, may, insertable, updatable };
  });
  return found.filter(({ may }) => verbs.some((verb) => may[verb]));
}

function clientOf({ service }: Case, context: Context): Client {
  const client = clients.get(`${service} ${context === 'unset' ? 'unset' : 'set'}`);
  if (!client) throw new Error(`${service} is not connected.`);
  return client;
}

/** A kept answer is that service's whose method it is: the tenant's one row becomes the one of the service under test. */
async function handOver({ name, service }: Case): Promise<void> {
  const row = rows.get(name);
  if (name !== 'idempotency_keys' || !row) return;
  row['method'] = `${service}.spec`;
  await admin.query('update idempotency_keys set method = $1 where tenant_id = $2', [row['method'], own]);
}

/** Does the verb to a row of `own` in a context, undoes it, and says what happened. */
async function attempt(table: Case, verb: Verb, context: Context): Promise<string> {
  const client = clientOf(table, context);
  // A tenant registers itself: in its own context, with an id that is new.
  const row = makeRow(table, table.tenant_column === 'id' && verb === 'insert' ? v7() : own, rows);
  if (table.name === 'idempotency_keys') row['method'] = `${table.service}.spec`;
  const tenant = { own: row[table.tenant_column], foreign, empty: '' };
  await client.query('begin');
  if (context !== 'unset') await client.query(`select set_config('app.tenant_id', $1, true)`, [tenant[context]]);
  const outcome = await outcomeOf(client, table, verb, row);
  await client.query('rollback');
  return outcome;
}

async function outcomeOf(client: Client, table: Case, verb: Verb, row: Row): Promise<string> {
  try {
    if (verb === 'insert') {
      const named = Object.entries(row).filter(([name]) => !table.may.insert || table.insertable.includes(name));
      await insertRow(client, table.name, Object.fromEntries(named));
      return '1 row';
    }
    return `${(await touch(client, table, verb)).rowCount} row`;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    // The row was there to be deleted, but others refer to it.
    if (verb === 'delete' && error.code === '23503') return '1 row';
    // The row might be added, but the table has one of its key already.
    if (verb === 'insert' && error.code === '23505') return '1 row';
    return error.code === '42501' ? 'refused' : error.message;
  }
}

function touch(client: Client, table: Case, verb: Exclude<Verb, 'insert'>): Promise<QueryResult> {
  const where = `where ${table.key.map((name, index) => `${name} = $${index + 1}`).join(' and ')}`;
  const column = table.updatable ?? table.tenant_column;
  const statements = {
    read: `select from ${table.name} ${where}`,
    update: `update ${table.name} set ${column} = ${column} ${where}`,
    delete: `delete from ${table.name} ${where}`,
  };
  return client.query(
    statements[verb],
    table.key.map((name) => rows.get(table.name)?.[name]),
  );
}

function expected(verb: Verb, context: Context, isGranted: boolean): string {
  if (!isGranted) return 'refused';
  if (context === 'own') return '1 row';
  return verb === 'insert' ? 'refused' : '0 row';
}

test('the generator finds the tables of the specification, and a service for each', () => {
  expect(tables.length).toBeGreaterThanOrEqual(22);
  expect(rows.size).toBe(tables.length);
  expect(new Set(cases.map(({ name }) => name))).toEqual(new Set(tables.map(({ name }) => name)));
});

test.each(verbs)('%s reaches own rows or nothing, in every table and context', async (verb) => {
  const found: Record<string, string> = {};
  const wanted: Record<string, string> = {};
  for (const table of cases) {
    await handOver(table);
    for (const context of contexts) {
      const name = `${table.service}, ${table.name}, ${context}`;
      found[name] = await attempt(table, verb, context);
      wanted[name] = expected(verb, context, table.may[verb]);
    }
  }
  expect(found).toEqual(wanted);
});

test('a scan without any condition shows own rows alone', async () => {
  for (const table of cases.filter(({ may }) => may.read)) {
    await handOver(table);
    const { service, name, tenant_column } = table;
    const client = clientOf(table, 'own');
    await client.query(`select set_config('app.tenant_id', $1, false)`, [own]);
    const { rows: seen } = await client.query<{ tenant: string }>(`select ${tenant_column} as tenant from ${name}`);
    expect([service, name, seen]).toEqual([service, name, [{ tenant: own }]]);
  }
});

test('no row can be handed to another tenant', async () => {
  for (const table of cases) {
    await handOver(table);
    const { name, tenant_column } = table;
    const client = clientOf(table, 'own');
    await client.query(`select set_config('app.tenant_id', $1, false)`, [own]);
    await expect(client.query(`update ${name} set ${tenant_column} = $1`, [foreign])).rejects.toMatchObject({
      code: '42501',
    });
  }
});
