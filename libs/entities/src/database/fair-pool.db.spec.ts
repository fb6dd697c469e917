import { runAs, runInContext, type Caller } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { createTestDatabase, type TestDatabase } from '../testing';
import { openDataSource, poolOf } from './data-source';
import { FairPool } from './fair-pool';
import { RlsPool } from './rls-pool';
import { withTenant } from './with-tenant';

let database: TestDatabase;
let dataSource: DataSource;

const open = async (pool: number) => (dataSource = await openDataSource({ url: database.urls.task, pool }));
const someone = (): Caller => ({ tenant_id: v7(), permissions: [], issuer: 'task' });
const [many, few] = [someone(), someone()];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => dataSource.destroy());
afterAll(() => database.drop());

/** Holds so many connections until it is called; resolves when it has them. */
async function hold(caller: Caller, count: number) {
  const pool = poolOf(dataSource);
  const clients = await Promise.all(Array.from({ length: count }, () => runAs(caller, () => pool.connect())));
  return () => clients.forEach((client) => client.release());
}

it('gives connections to tenants by turns, to statements and transactions alike', async () => {
  await open(1);
  const rls = new RlsPool(dataSource, { prepare: true });
  const release = await hold(few, 1);
  const order: string[] = [];
  const told = (name: string) => void order.push(name);
  const read = (caller: Caller, name: string) =>
    runAs(caller, () => rls.read('select 1 as one')).then(() => told(name));
  const transact = (caller: Caller, name: string) =>
    runAs(caller, () => withTenant(dataSource, async () => told(name)));
  const all = [
    ...Array.from({ length: 300 }, (_, n) => (n % 2 ? read : transact)(many, 'a')),
    read(few, 'b'),
    transact(few, 'b'),
    dataSource.query('select 1').then(() => told('c')),
  ];
  release();
  await Promise.all(all);
  expect(order.slice(0, 6).join(' ')).toBe('a b c a b a');
  expect(order).toHaveLength(303);
});

it('keeps a connection for others, however many transactions of one tenant stand still', async () => {
  await open(3);
  const release = await hold(many, 2);
  const third = runAs(many, () => poolOf(dataSource).connect());
  const rls = new RlsPool(dataSource, { prepare: true });
  expect(await runAs(few, () => rls.read('select 1 as one'))).toEqual([{ one: 1 }]);
  release();
  (await third).release();
});

it('ends a wait for a connection at the deadline of the request, so that nothing that holds one waits for another for ever', async () => {
  await open(1);
  const deadline = performance.now() + 500;
  const nested = runInContext({ request_id: 'r', caller: many, deadline }, () =>
    withTenant(dataSource, () => new RlsPool(dataSource, { prepare: true }).read('select 1')),
  );
  await expect(nested).rejects.toMatchObject({ code: 'overloaded', extras: { retry_after: expect.any(Number) } });
  expect(await dataSource.query('select 1 as one')).toEqual([{ one: 1 }]);
});

it('gives the place of a connection that could not be made, or that broke, to the next', async () => {
  await open(1);
  const pool = poolOf(dataSource);
  const nowhere = new FairPool({ host: '127.0.0.1', port: 1, max: 1 });
  for (let n = 0; n < 3; n++) await expect(nowhere.connect()).rejects.toThrow('ECONNREFUSED');
  await nowhere.end();
  for (let n = 0; n < 3; n++) (await pool.connect()).release(new Error('broken'));
  expect(await dataSource.query('select 1 as one')).toEqual([{ one: 1 }]);
});

it('makes no more connections than are needed', async () => {
  await open(5);
  for (let n = 0; n < 20; n++) await runAs(few, () => dataSource.query('select 1'));
  expect(poolOf(dataSource).totalCount).toBe(1);
});
