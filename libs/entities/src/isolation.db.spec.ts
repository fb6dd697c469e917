import { DatabaseError, type Client, type QueryResult } from 'pg';
import { v7 } from 'uuid';
import { fillTenant, insertRow, makeRow, readTables, type Row, type TableFacts } from './rows.testing';
import { connect } from './schema/connect';
import { createTestDatabase, type TestDatabase } from './testing';

/** Every tenant table × verb × context, rows and tables generated from the catalog: a new table is covered by itself. */

const own = v7();
const foreign = v7();
const verbs = ['read', 'insert', 'update', 'delete'] as const;
const contexts = ['own', 'foreign', 'unset', 'empty'] as const;
type Verb = (typeof verbs)[number];
type Context = (typeof contexts)[number];

let database: TestDatabase;
let admin: Client;
/** Once set, a setting is never unset again: each context has a connection of its own. */
let clients: Record<Context, Client>;
let tables: TableFacts[];
let rows: Map<string, Row>;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = await connect(database.adminUrl, 'TEST_DATABASE_URL');
  tables = await readTables(admin);
  rows = await fillTenant(admin, tables, own);
  await fillTenant(admin, tables, foreign);
  const open = () => connect(database.runtimeUrl, 'DATABASE_URL');
  clients = { own: await open(), foreign: await open(), unset: await open(), empty: await open() };
});
afterAll(async () => {
  await Promise.all([admin, ...Object.values(clients)].map((client) => client.end()));
  await database.drop();
});

/** Does the verb to a row of `own` in a context, undoes it, and says what happened. */
async function attempt(table: TableFacts, verb: Verb, context: Context): Promise<string> {
  const client = clients[context];
  // A tenant registers itself: in its own context, with an id that is new.
  const row = makeRow(table, table.tenant_column === 'id' && verb === 'insert' ? v7() : own, rows);
  const tenant = { own: row[table.tenant_column], foreign, empty: '' };
  await client.query('begin');
  if (context !== 'unset') await client.query(`select set_config('app.tenant_id', $1, true)`, [tenant[context]]);
  const outcome = await outcomeOf(client, table, verb, row);
  await client.query('rollback');
  return outcome;
}

async function outcomeOf(client: Client, table: TableFacts, verb: Verb, row: Row): Promise<string> {
  try {
    if (verb === 'insert') {
      await insertRow(client, table.name, row);
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

function touch(client: Client, table: TableFacts, verb: Exclude<Verb, 'insert'>): Promise<QueryResult> {
  const where = `where ${table.key.map((name, index) => `${name} = $${index + 1}`).join(' and ')}`;
  const statements = {
    read: `select from ${table.name} ${where}`,
    update: `update ${table.name} set ${table.tenant_column} = ${table.tenant_column} ${where}`,
    delete: `delete from ${table.name} ${where}`,
  };
  return client.query(
    statements[verb],
    table.key.map((name) => keyOf(table, name)),
  );
}

const keyOf = (table: TableFacts, name: string) => rows.get(table.name)?.[name];

async function privileges(table: string): Promise<Record<Verb, boolean>> {
  const {
    rows: [granted],
  } = await admin.query<Record<Verb, boolean>>(
    `select has_table_privilege('test_app', $1, 'select') as read, 
      has_table_privilege('test_app', $1, 'insert') as insert,
      has_table_privilege('test_app', $1, 'update') as update,
      has_table_privilege('test_app', $1, 'delete') as delete`,
    [table],
  );
  if (!granted) throw new Error(`There is no table ${table}.`);
  return granted;
}

function expected(verb: Verb, context: Context, isGranted: boolean): string {
  if (!isGranted) return 'refused';
  if (context === 'own') return '1 row';
  return verb === 'insert' ? 'refused' : '0 row';
}

test('the generator finds the tables of the specification', () => {
  expect(tables.length).toBeGreaterThanOrEqual(22);
  expect(rows.size).toBe(tables.length);
});

test.each(verbs)('%s reaches own rows or nothing, in every table and context', async (verb) => {
  const found: Record<string, string> = {};
  const wanted: Record<string, string> = {};
  for (const table of tables) {
    const granted = await privileges(table.name);
    for (const context of contexts) {
      found[`${table.name}, ${context}`] = await attempt(table, verb, context);
      wanted[`${table.name}, ${context}`] = expected(verb, context, granted[verb]);
    }
  }
  expect(found).toEqual(wanted);
});

test('a scan without any condition shows own rows alone', async () => {
  const client = clients.own;
  await client.query(`select set_config('app.tenant_id', $1, false)`, [own]);
  for (const { name, tenant_column } of tables) {
    const { rows: seen } = await client.query<{ tenant: string }>(`select ${tenant_column} as tenant from ${name}`);
    expect([name, seen]).toEqual([name, [{ tenant: own }]]);
  }
});

test('no row can be handed to another tenant', async () => {
  const client = clients.own;
  await client.query(`select set_config('app.tenant_id', $1, false)`, [own]);
  for (const { name, tenant_column } of tables) {
    await expect(client.query(`update ${name} set ${tenant_column} = $1`, [foreign])).rejects.toMatchObject({
      code: '42501',
    });
  }
});
