import { setImmediate as nextTurn } from 'node:timers/promises';
import { runAs, runInContext, timeLeft } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource, poolOf } from './data-source';
import { TaskEntity } from '../entities';
import { RlsPool } from './rls-pool';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId, type Tx } from './tx';
import { withTenant } from './with-tenant';

const TENANTS = 20;
const REQUESTS = 500;

let database: TestDatabase;
let dataSource: DataSource;
let tenants: string[];

const addTask = (tx: Tx, title: string) => tx.insert(TaskEntity, { tenant_id: tx.tenant_id, id: v7(), title });

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await openDataSource({ url: database.urls.task, pool: 2 });
  tenants = await Promise.all(Array.from({ length: TENANTS }, () => createTenant(database)));
  await Promise.all(tenants.map((tenant) => withTenantId(dataSource, tenant, (tx) => addTask(tx, tenant))));
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const asTenant = <T>(tenant_id: string, work: () => Promise<T>) =>
  runAs({ tenant_id, permissions: [], issuer: 'task' }, work);

test('without a caller nothing is asked of the database', async () => {
  await expect(withTenant(dataSource, async () => undefined)).rejects.toThrow('There is no caller');
});

test('work that throws is rolled back', async () => {
  const [tenant = ''] = tenants;
  const failing = withTenantId(dataSource, tenant, async (tx) => {
    await addTask(tx, 'never');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await withTenantId(dataSource, tenant, (tx) => tx.countBy(TaskEntity, { title: 'never' }))).toBe(0);
});

test("a transaction ends at its request's deadline: in a statement, or before the next one", async () => {
  const [tenant = ''] = tenants;
  const until = <T>(ms: number, work: (tx: Tx) => Promise<T>) =>
    runInContext({ request_id: 'late', deadline: performance.now() + ms }, () =>
      withTenantId(dataSource, tenant, async (tx) => {
        await addTask(tx, 'late');
        return work(tx);
      }),
    );
  const late = { code: 'deadline_exceeded' };
  await expect(until(200, (tx) => tx.read('select pg_sleep(5)'))).rejects.toMatchObject(late);
  const spent = async (tx: Tx) => {
    while (timeLeft() > 0) await nextTurn();
    return tx.read('select 1 as one');
  };
  await expect(until(200, spent)).rejects.toMatchObject(late);
  expect(await withTenantId(dataSource, tenant, (tx) => tx.countBy(TaskEntity, { title: 'late' }))).toBe(0);
});

test('an unscoped manager does not compile where a Tx is asked for', () => {
  // @ts-expect-error a manager that no tenant was set on
  const unscoped = () => addTask(dataSource.manager, 'unscoped');
  expect(unscoped).toBeInstanceOf(Function);
});

type Way = (tenant: string, isBroken: boolean) => Promise<unknown>;

test.each(['on', 'off'])(
  '500 interleaved requests of 20 tenants on two connections leak nothing, prepare %s',
  async (prepare) => {
    const rls = new RlsPool(dataSource, { prepare: prepare === 'on' });
    const ways: Way[] = [
      (_, isBroken) =>
        withTenant(dataSource, async (tx) => {
          await addTask(tx, 'half');
          if (isBroken) throw new Error('broken');
          await tx.delete(TaskEntity, { title: 'half' });
          return tx.find(TaskEntity, { select: { tenant_id: true, title: true } });
        }),
      (_, isBroken) =>
        withTenant(dataSource, (tx) =>
          tx.query(`select tenant_id, title from tasks where 1 / $1 = 1`, [isBroken ? 0 : 1]),
        ),
      (_, isBroken) => rls.read(`select tenant_id, title from tasks where 1 / $1 = 1`, [isBroken ? 0 : 1]),
      (tenant, isBroken) =>
        rls.read(
          isBroken
            ? 'select absent from tasks where title = $1'
            : 'select tenant_id, title from tasks where title = $1',
          [tenant],
        ),
    ];
    const requests = Array.from({ length: REQUESTS }, (_, index) => {
      const tenant = tenants[index % TENANTS] ?? '';
      const isBroken = index % 10 === 7;
      const way = ways[Math.floor(index / 10) % ways.length] ?? ways[0];
      return { tenant, isBroken, answer: asTenant(tenant, () => way?.(tenant, isBroken) ?? Promise.resolve()) };
    });
    const answers = await Promise.allSettled(requests.map(({ answer }) => answer));
    answers.forEach((answer, index) => {
      const { tenant, isBroken } = requests[index] ?? {};
      if (isBroken) expect(answer.status).toBe('rejected');
      else expect(answer).toEqual({ status: 'fulfilled', value: [{ tenant_id: tenant, title: tenant }] });
    });
  },
);

test('a connection carries no tenant over, and was not given up for an error', async () => {
  const pool = poolOf(dataSource);
  expect(pool.totalCount).toBeLessThanOrEqual(2);
  expect(pool.idleCount).toBe(pool.totalCount);
  const clients = await Promise.all([pool.connect(), asTenant(tenants[0] ?? '', () => pool.connect())]);
  for (const client of clients) {
    const { rows } = await client.query(
      `select coalesce(current_setting('app.tenant_id', true), '') as tenant, (select count(*) from tasks) as tasks`,
    );
    expect(rows).toEqual([{ tenant: '', tasks: 0 }]);
    client.release();
  }
});
