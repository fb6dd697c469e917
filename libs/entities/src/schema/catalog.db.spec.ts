import { databaseServices } from '@taai/contracts';
import type { Client } from 'pg';
import golden from './catalog.golden.json';
import { connect } from './connect';
import { createTestDatabase, type TestDatabase } from '../testing';

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

test('the resolver functions are the listed ones, pinned, and not for everybody', async () => {
  const functions = await column(
    `select p.proname || '(' || pg_get_function_arguments(p.oid) || ') → ' || pg_get_function_result(p.oid) as value
      from pg_proc p where p.proowner = 'resolver'::regrole order by 1`,
  );
  expect(functions).toEqual(golden.resolver_functions);
  const loose = await column(
    `select p.proname as value from pg_proc p where p.pronamespace = 'public'::regnamespace and not (p.prosecdef
      and p.proconfig = '{"search_path=pg_catalog, pg_temp"}' and not has_function_privilege('public', p.oid, 'execute'))`,
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

const OPTION = `case when a.is_grantable then ' with grant option' else '' end`;

/** Rights as `table: select, update (a, b)`; those on a whole table come first. */
const GRANTS = `
  with granted as (
    select c.relname, a.grantee, lower(a.privilege_type) || ${OPTION} as verb, null as names
    from pg_class c, aclexplode(c.relacl) a where c.relkind <> 'S'
    union all
    select c.relname, a.grantee, lower(a.privilege_type) || ${OPTION}, ' (' || string_agg(t.attname, ', ' order by t.attname) || ')'
    from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a group by 1, 2, 3
  )
  select relname || ': ' || string_agg(verb || coalesce(names, ''), ', ' order by names is not null, verb) as value
  from granted where grantee = $1::text::regrole group by relname order by 1`;

describe.each(databaseServices)('the role of %s', (service) => {
  const role = `"test-${service}"`;
  const owned = (sql: string) => column(`${sql} = $1::text::regrole order by 1`, [role]);

  test('may do what is listed, and owns nothing', async () => {
    expect(await column(GRANTS, [role])).toEqual(golden.service_grants[service]);
    expect(await owned('select relname as value from pg_class where relowner')).toEqual([]);
    expect(await owned('select proname as value from pg_proc where proowner')).toEqual([]);
    expect(await owned('select nspname as value from pg_namespace where nspowner')).toEqual([]);
  });

  test('may call the listed functions, and use the listed sequences', async () => {
    const functions = await column(
      `select proname as value from pg_proc where pronamespace = 'public'::regnamespace
        and has_function_privilege($1, oid, 'execute') order by 1`,
      [`test-${service}`],
    );
    expect(functions).toEqual(golden.service_functions[service]);
    const sequences = await column(
      `select c.relname || ': ' || lower(a.privilege_type) as value from pg_class c, aclexplode(c.relacl) a
        where c.relkind = 'S' and a.grantee = $1::text::regrole`,
      [role],
    );
    expect(sequences).toEqual(golden.service_sequences[service]);
  });

  test('waits for nothing without end', async () => {
    const settings = 'select unnest(rolconfig) as value from pg_roles where oid = $1::text::regrole order by 1';
    expect(await column(settings, [role])).toEqual(golden.service_settings);
  });
});

test('nobody else has a right on anything', async () => {
  const strangers = await column(
    `select distinct case grantee when 0 then 'public' else grantee::regrole::text end as value from (
        select a.grantee from pg_class, aclexplode(relacl) a where relnamespace = 'public'::regnamespace
        union all select a.grantee from pg_proc, aclexplode(proacl) a where pronamespace = 'public'::regnamespace
      ) as rights
      where grantee::regrole::text not in ('test_migrator', 'resolver') and grantee::regrole::text not like '"test-%' order by 1`,
  );
  expect(strangers).toEqual([]);
});

test('of the kept answers each service reaches those to its own methods', async () => {
  const policies = await column(
    `select permissive || ': ' || array_to_string(roles, ',') || ': ' || qual as value from pg_policies
      where tablename = 'idempotency_keys' and policyname <> 'tenant_isolation' and cmd = 'ALL' order by 1`,
  );
  expect(policies).toEqual(golden.service_policies);
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
