import { runAs, runInContext } from '@taai/tenant';
import { DatabaseError, Pool } from 'pg';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource, poolOf } from './data-source';
import { RlsPool } from './rls-pool';
import { statementOf } from './statement';
import { withClient } from '../schema/connect';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';

let database: TestDatabase;
let dataSource: DataSource;
let pool: Pool;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await openDataSource({ url: database.urls.task, pool: 1 });
  pool = poolOf(dataSource);
  tenant = await createTenant(database);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const INSERT = 'insert into tasks (tenant_id, id, title) values ($1, $2, $3) returning id, title';
const backend = async () => (await pool.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;

describe.each([
  ['named statements', { prepare: true }],
  ['unnamed statements', { prepare: false }],
])('with %s', (_, options) => {
  let rls: RlsPool;
  beforeAll(() => {
    rls = new RlsPool(dataSource, options);
  });

  const query = (sql: string, params?: unknown[]) => rls.queryFor(tenant, sql, params);

  /** Expects that the one connection of the pool survived and works. */
  const expectUnharmed = async (pid: number | undefined) => {
    expect(await query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await backend()).toBe(pid);
  };

  test('rows come back typed, with and without parameters, none without RETURNING', async () => {
    const id = v7();
    expect(await query(INSERT, [tenant, id, 'a'])).toEqual([{ id, title: 'a' }]);
    expect(await query('update tasks set title = $2 where id = $1', [id, 'b'])).toEqual([]);
    expect(await query('select title from tasks where id = $1', [id])).toEqual([{ title: 'b' }]);
    expect(await query('select count(*) as n, now() as at from tasks where title = $1', ['b'])).toEqual([
      { n: expect.any(Number), at: expect.any(Date) },
    ]);
    expect(await query('select from tasks where false')).toEqual([]);
    await query('delete from tasks');
  });

  test("the tenant is the caller's, and there must be one", async () => {
    const sql = `select current_setting('app.tenant_id') as id`;
    await expect(rls.read(sql)).rejects.toThrow('There is no caller');
    expect(await runAs({ tenant_id: tenant, permissions: [], issuer: 'task' }, () => rls.read(sql))).toEqual([
      { id: tenant },
    ]);
  });

  test('an error of the database leaves the connection clean, and nothing of the change', async () => {
    const pid = await backend();
    const id = v7();
    await query(INSERT, [tenant, id, 'first']);
    await expect(query(INSERT, [tenant, id, 'second'])).rejects.toMatchObject({ code: '23505' });
    await expect(query(INSERT, [v7(), v7(), 'x'])).rejects.toMatchObject({ code: '42501' });
    await expectUnharmed(pid);
    await query('delete from tasks');
  });

  test('a statement that does not parse fails the same way each time', async () => {
    const pid = await backend();
    for (let time = 0; time < 3; time++) {
      await expect(query('select absent from tasks')).rejects.toMatchObject({ code: '42703' });
    }
    await expectUnharmed(pid);
  });

  test('a row that cannot be read fails its query alone', async () => {
    const pid = await backend();
    await expect(query('select 9007199254740993 as n from generate_series(1, 3)')).rejects.toThrow(RangeError);
    await expectUnharmed(pid);
  });

  test('a parameter that cannot be written fails its query alone', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    await expect(query('select $1::jsonb', [circle])).rejects.toThrow(TypeError);
    await expectUnharmed(await backend());
  });

  test('a statement that takes too long is ended by the server', async () => {
    const pid = await backend();
    await pool.query(`set statement_timeout = '20ms'`);
    await expect(query('select pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
    await pool.query('reset statement_timeout');
    await expectUnharmed(pid);
  });

  test("a statement is ended at its request's deadline, and the next one is not bounded by it", async () => {
    const pid = await backend();
    const deadline = performance.now() + 50;
    await expect(
      runInContext({ request_id: 'late', deadline }, () => query('select pg_sleep(5)')),
    ).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(
      runInContext({ request_id: 'late', deadline }, () => query(INSERT, [tenant, v7(), 'late'])),
    ).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(await query('select 1 from tasks')).toEqual([]);
    expect(await query(`select current_setting('statement_timeout') as timeout`)).toEqual([{ timeout: '30s' }]);
    await expectUnharmed(pid);
  });

  test('a lost connection fails its query and is replaced', async () => {
    const pid = await backend();
    const failed = expect(query('select pg_sleep(5)')).rejects.toThrow(Error);
    await withClient(database.adminUrl, 'TEST_DATABASE_URL', async (admin) => {
      const asleep = `select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`;
      while ((await admin.query(asleep, [pid])).rowCount === 0);
      await admin.query('select pg_terminate_backend($1)', [pid]);
    });
    await failed;
    expect(await query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await backend()).not.toBe(pid);
  });

  test('statements are prepared on the server only if they have names', async () => {
    await query('select 1 as one');
    const { rows } = await pool.query<{ name: string }>('select name from pg_prepared_statements order by name');
    const names = rows.map(({ name }) => name);
    if (options.prepare)
      expect(names).toEqual(expect.arrayContaining([statementOf('select 1 as one').name, 'set_tenant']));
    else expect(names.filter((name) => name !== '')).toEqual([]);
  });
});

test('an error says what the database said', async () => {
  const rls = new RlsPool(dataSource, { prepare: true });
  await expect(rls.queryFor(tenant, 'select 1 / 0')).rejects.toBeInstanceOf(DatabaseError);
});

test('a server that does not answer in time costs the connection, not the caller', async () => {
  const impatient = new Pool({ connectionString: database.urls.task, max: 1, query_timeout: 50 });
  const rls = new RlsPool(dataSource, { prepare: true }, impatient);
  await expect(rls.queryFor(tenant, 'select pg_sleep(5)')).rejects.toMatchObject({
    code: 'service_unavailable',
    cause: { message: 'Query read timeout' },
  });
  expect(impatient.totalCount).toBe(0);
  expect(await rls.queryFor(tenant, 'select 1 as one')).toEqual([{ one: 1 }]);
  await impatient.end();
});
