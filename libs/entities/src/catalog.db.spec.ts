import type { Client } from 'pg';
import golden from './catalog.golden.json';
import { connect } from './schema/connect';
import { createTestDatabase, type TestDatabase } from './testing';

/** What the catalog says, against a list that a reviewer reads: whoever widens an access changes `catalog.golden.json`. */

let database: TestDatabase;
let admin: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = await connect(database.adminUrl, 'TEST_DATABASE_URL');
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

const column = async (sql: string, params: unknown[] = []): Promise<string[]> =>
  (await admin.query<{ value: string }>(sql, params)).rows.map(({ value }) => value);

/** Partitions too. */
const UNGUARDED = `
  select c.relname as value from pg_class c
  left join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull
  left join pg_policies p on p.schemaname = 'public' and p.tablename = c.relname and p.roles = '{public}'
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> all ($1)
  group by c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity
  having not (c.relrowsecurity and c.relforcerowsecurity and count(a.attname) = 1 and count(p.policyname) = 1
    and bool_and(p.policyname = 'tenant_isolation' and p.permissive = 'PERMISSIVE' and p.cmd = 'ALL' and p.qual = p.with_check
      and p.qual = '(tenant_id = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid AS "nullif"))'))
  order by 1`;

const unguarded = () => column(UNGUARDED, [golden.tables_without_tenant_id]);

test('every table but the listed ones has a tenant, forced row level security and the one policy', async () => {
  expect(await unguarded()).toEqual([]);
  const without = await column(
    `select c.relname as value from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') order by 1`,
  );
  expect(without).toEqual(golden.tables_without_tenant_id);
});

test.each([
  ['no policy', 'create table forgotten (tenant_id uuid not null)'],
  ['not forced', `create table forgotten (like tasks); alter table forgotten enable row level security`],
  ['a second policy', 'create policy wide on tasks using (true)'],
  ['another condition', 'alter policy tenant_isolation on tasks using (true)'],
  ['no tenant', 'create table forgotten (id uuid)'],
])('a table with %s is found', async (_, sql) => {
  await admin.query(`begin; ${sql}`);
  const found = await unguarded();
  await admin.query('rollback');
  expect(found).toEqual([expect.stringMatching(/^(forgotten|tasks)$/)]);
});

test('tenants shows each tenant itself', async () => {
  const policies = await column(
    `select policyname || ' ' || qual as value from pg_policies where tablename = 'tenants' and roles = '{public}'`,
  );
  expect(policies).toEqual([expect.stringMatching(/^tenant_isolation \(id = .*app\.tenant_id/)]);
});

test('foreign keys between tenant tables carry the tenant', async () => {
  const loose = await column(
    `select k.conname as value from pg_constraint k
      join pg_attribute a on a.attrelid = k.conrelid and a.attname = 'tenant_id'
      where k.contype = 'f' and k.confrelid <> 'plans'::regclass and not a.attnum = any (k.conkey)`,
  );
  expect(loose).toEqual([]);
});

test('the resolver functions are the listed ones, pinned, and for the runtime role alone', async () => {
  const functions = await column(
    `select p.proname || '(' || pg_get_function_arguments(p.oid) || ') → ' || pg_get_function_result(p.oid) as value
      from pg_proc p where p.proowner = 'resolver'::regrole order by 1`,
  );
  expect(functions).toEqual(golden.resolver_functions);
  const loose = await column(
    `select p.proname as value from pg_proc p where p.pronamespace = 'public'::regnamespace and not (p.prosecdef
      and p.proconfig = '{"search_path=pg_catalog, pg_temp"}' and not has_function_privilege('public', p.oid, 'execute')
      and has_function_privilege('test_app', p.oid, 'execute'))`,
  );
  expect(loose).toEqual([]);
});

test('the resolver sees the listed columns alone', async () => {
  expect(
    await column(
      `select table_name || ': ' || lower(privilege_type) || ' ' || string_agg(column_name, ', ' order by column_name) as value
        from information_schema.column_privileges where grantee = 'resolver'
        group by table_name, privilege_type order by 1`,
    ),
  ).toEqual(golden.resolver_columns);
  expect(
    await column(
      `select rolname as value from pg_roles
        where rolname = 'resolver' and (rolcanlogin or rolbypassrls or rolsuper or rolcreaterole or rolcreatedb)`,
    ),
  ).toEqual([]);
  const policies = `
    select tablename || ': ' || cmd || case permissive when 'RESTRICTIVE' then ' when ' || qual else '' end as value
    from pg_policies where roles = '{resolver}' order by 1`;
  const squeezed = (await column(policies)).map((policy) => policy.replace(/\s+/g, ' '));
  expect(squeezed).toEqual(golden.resolver_policies);
  const whole = `
    select table_name || ': ' || lower(privilege_type) as value from information_schema.table_privileges
    where grantee = 'resolver' order by 1`;
  expect(await column(whole)).toEqual(golden.resolver_tables);
});

test('the runtime role may do what is listed, and owns nothing', async () => {
  const grants = await column(
    `select table_name || ': ' || lower(string_agg(privilege_type, ', ' order by privilege_type)) as value
      from information_schema.table_privileges where grantee = 'test_app' group by table_name order by 1`,
  );
  expect(grants).toEqual(golden.runtime_grants);
  const owned = await column(`select relname as value from pg_class where relowner = 'test_app'::regrole`);
  expect(owned).toEqual([]);
  const functions = await column(
    `select proname as value from pg_proc where pronamespace = 'public'::regnamespace
      and has_function_privilege('test_app', oid, 'execute') and proowner <> 'resolver'::regrole order by 1`,
  );
  expect(functions).toEqual(golden.runtime_functions);
});

test('the runtime role waits for nothing without end', async () => {
  const settings = await column(
    `select unnest(rolconfig) as value from pg_roles where rolname = 'test_app' order by 1`,
  );
  expect(settings).toEqual(golden.runtime_settings);
});

test('tenant_id leads every index but the listed ones', async () => {
  const indexes = await column(
    `select i.indexrelid::regclass::text as value from pg_index i
      join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace and c.relrowsecurity
        and not c.relispartition
      join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
      where a.attname <> 'tenant_id' order by 1`,
  );
  expect(indexes).toEqual(golden.indexes_across_tenants);
});
