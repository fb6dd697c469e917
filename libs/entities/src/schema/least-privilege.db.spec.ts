import { databaseServices, type DatabaseService } from '@taai/contracts';
import { escapeIdentifier, escapeLiteral } from 'pg';
import golden from './catalog.golden.json';
import { fillTenant, readTables } from '../rows.testing';
import { withClient } from './connect';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';

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

const FUNCTIONS = `
  select proname as name, format('select %s(%s)', oid::regproc,
    (select string_agg('null::' || format_type(type, null), ', ') from unnest(proargtypes) as type)) as sql
  from pg_proc where pronamespace = 'public'::regnamespace order by proname`;

/** Something tried, and what it is called in the golden file. */
interface Attempt {
  name: string;
  sql: string;
}

let database: TestDatabase;
let tenant: string;
let relations: Relation[];

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  await withClient(database.adminUrl, 'TEST_DATABASE_URL', async (admin) => {
    const tables = await readTables(admin);
    await fillTenant(
      admin,
      tables.filter(({ name }) => name !== 'tenants'),
      tenant,
    );
  });
  relations = await database.admin<Relation>(RELATIONS);
});
afterAll(() => database.drop());

/**
 * Runs each statement with the service's credentials, and undoes them all: resolves to the names of those that were not
 * refused (42501). One round trip, because they are thousands. Throws any other error.
 */
function reach(service: DatabaseService, attempts: Attempt[]): Promise<string[]> {
  const list = escapeLiteral(JSON.stringify(attempts));
  return withClient(database.urls[service], service, async (client) => {
    await client.query('begin');
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenant]);
    await client.query(`
      do $do$
      declare
        attempt record;
        reached jsonb := '[]';
      begin
        for attempt in select * from jsonb_to_recordset(${list}) as list (name text, sql text) loop
          begin
            execute attempt.sql;
            reached := reached || to_jsonb(attempt.name);
          exception when insufficient_privilege then null;
          end;
        end loop;
        perform set_config('spec.reached', reached::text, true);
      end $do$`);
    const { rows } = await client.query<{ reached: string[] }>(
      `select current_setting('spec.reached')::jsonb as reached`,
    );
    return rows[0]?.reached ?? [];
  });
}

/** Statements that need the right on exactly these columns, and change no row. */
const verbs: Record<string, (table: string, columns: string[]) => string> = {
  delete: (table) => `delete from ${table} where false`,
  insert: (table, columns) =>
    `insert into ${table} (${columns.join()}) select ${columns.map((name) => `(null::${table}).${name}`).join()} where false`,
  select: (table, columns) => `select ${columns.join()} from ${table}`,
  update: (table, columns) => `update ${table} set ${columns.map((name) => `${name} = default`).join()} where false`,
};

/** Every verb on the whole table, and on each of its columns alone. */
const attemptsOn = ({ name: table, columns }: Relation): Attempt[] =>
  Object.entries(verbs).flatMap(([verb, sqlFor]) => [
    { name: `${table}: ${verb}`, sql: sqlFor(table, columns.map(escapeIdentifier)) },
    ...columns.map((column) => ({
      name: `${table}: ${verb} ${column}`,
      sql: sqlFor(table, [escapeIdentifier(column)]),
    })),
  ]);

/** In the words of the golden file: verbs that answer for the whole table, then those that do for some columns. */
function describeRights({ name: table, columns }: Relation, reached: ReadonlySet<string>): string[] {
  const whole = Object.keys(verbs).filter((verb) => reached.has(`${table}: ${verb}`));
  const partial = Object.keys(verbs).flatMap((verb) => {
    const some = columns.filter((column) => reached.has(`${table}: ${verb} ${column}`));
    return whole.includes(verb) || some.length === 0 ? [] : [`${verb} (${some.join(', ')})`];
  });
  const rights = [...whole, ...partial];
  return rights.length > 0 ? [`${table}: ${rights.join(', ')}`] : [];
}

test('everything is tried: partitions and the list of migrations, too', () => {
  const names = relations.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['migrations', 'usage_records', 'usage_records_default', 'users']));
  expect(names.length).toBeGreaterThanOrEqual(34);
});

test.each([
  ['grant select (password_hash) on users', 'revoke all on users', 'users: select (password_hash)'],
  ['grant truncate, delete on audit_logs', 'revoke all on audit_logs', 'audit_logs: delete'],
  ['grant insert on usage_records_default', 'revoke all on usage_records_default', 'usage_records_default: insert'],
])('a right too many is found: %s', async (grant, revoke, found) => {
  await database.admin(`${grant} to "test-chat"`);
  const reached = new Set(await reach('chat', relations.flatMap(attemptsOn)));
  await database.admin(`${revoke} from "test-chat"`);
  expect(relations.flatMap((relation) => describeRights(relation, reached))).toContain(found);
});

describe.each(databaseServices)('the credentials of %s', (service) => {
  test('reach the listed tables and columns alone', async () => {
    const reached = new Set(await reach(service, relations.flatMap(attemptsOn)));
    expect(relations.flatMap((relation) => describeRights(relation, reached))).toEqual(golden.service_grants[service]);
  });

  test('call the listed functions alone', async () => {
    expect(await reach(service, await database.admin<Attempt>(FUNCTIONS))).toEqual(golden.service_functions[service]);
  });

  test('use the listed sequences alone, and set none', async () => {
    const sequences = await database.admin<Attempt>(
      `select relname || ': ' || verb as name, format('select %s(%L%s)', function, oid::regclass, more) as sql
       from pg_class, (values ('usage', 'nextval', ''), ('update', 'setval', ', 1')) as way (verb, function, more)
       where relkind = 'S' and relnamespace = 'public'::regnamespace`,
    );
    expect(await reach(service, sequences)).toEqual(golden.service_sequences[service]);
  });

  test('empty and change no table, and make nothing', async () => {
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
    expect(
      await reach(
        service,
        [...statements, ...others].map((sql) => ({ name: sql, sql })),
      ),
    ).toEqual([]);
  });

  test('become nobody else', async () => {
    const roles = await database.admin<Attempt>(
      `select rolname as name, format('set local %s %I', way, rolname) as sql
       from pg_roles, (values ('role'), ('session authorization')) as ways (way) where rolname <> $1`,
      [`test-${service}`],
    );
    expect(roles.map(({ name }) => name)).toEqual(expect.arrayContaining(['resolver', 'test_migrator', 'postgres']));
    expect(await reach(service, roles)).toEqual([]);
  });
});

test('of the answers kept for Idempotency-Keys a service reaches those to its own methods alone', async () => {
  const keep = `insert into idempotency_keys (tenant_id, user_id, method, key, request_hash, response, expires_at)
    values ($1, $1, 'task.create', $2, '', '{}', now())`;
  await database.admin(keep, [tenant, 'kept']);
  const inTenant = (service: DatabaseService, sql: string, params?: string[]) =>
    withClient(database.urls[service], service, async (client) => {
      await client.query(`select set_config('app.tenant_id', $1, false)`, [tenant]);
      return (await client.query(sql, params)).rowCount;
    });
  const find = `select from idempotency_keys where key = 'kept'`;
  expect([await inTenant('task', find), await inTenant('chat', find)]).toEqual([1, 0]);
  expect(await inTenant('chat', `delete from idempotency_keys where key = 'kept'`)).toBe(0);
  await expect(inTenant('chat', keep, [tenant, 'forged'])).rejects.toMatchObject({ code: '42501' });
});
