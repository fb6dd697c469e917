import { ProblemError } from '@taai/contracts';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from '../database/data-source';
import { TaskEntity } from '../entities';
import { idempotent, type IdempotentRequest } from './idempotency';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId, type Tx } from '../database/tx';

let database: TestDatabase;
let dataSource: DataSource;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await openDataSource({ url: database.urls.task, pool: 10 });
  tenant = await createTenant(database);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const request = (): IdempotentRequest => ({ method: 'task.create', key: v7(), user_id: v7(), request_hash: 'hash' });

async function addTask(tx: Tx) {
  const id = v7();
  await tx.insert(TaskEntity, { tenant_id: tx.tenant_id, id, title: 'once' });
  return { id, created_at: new Date(0) };
}

const create = (request: IdempotentRequest, inTenant = tenant, work = addTask) =>
  withTenantId(dataSource, inTenant, (tx) => idempotent(tx, request, () => work(tx)));

const count = () => withTenantId(dataSource, tenant, (tx) => tx.count(TaskEntity));

test('a repeated request gets the first answer, and nothing is done again', async () => {
  const before = await count();
  const same = request();
  const first = await create(same);
  const second = await create(same);
  expect(second).toEqual(JSON.parse(JSON.stringify(first)));
  expect(await count()).toBe(before + 1);
});

test('the same key for another request is a mismatch', async () => {
  const same = request();
  await create(same);
  await expect(create({ ...same, request_hash: 'other' })).rejects.toMatchObject({
    code: 'idempotency_mismatch',
    status: 422,
  });
});

test('of parallel requests with one key one is done, the others are in flight or get its answer', async () => {
  const before = await count();
  const same = request();
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => create(same)));
  const ids = new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.id] : [])));
  const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  expect(ids.size).toBe(1);
  for (const error of errors) expect(error).toEqual(new ProblemError('idempotency_in_flight'));
  expect(await count()).toBe(before + 1);
});

test('while one works on the key, another is told so at once', async () => {
  const same = request();
  await create(same, tenant, async (tx) => {
    await expect(create(same)).rejects.toMatchObject({ code: 'idempotency_in_flight', status: 409 });
    return addTask(tx);
  });
  expect.assertions(1);
});

test('work that fails takes its key back', async () => {
  const before = await count();
  const same = request();
  const failing = create(same, tenant, async (tx) => {
    await addTask(tx);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await count()).toBe(before);
  await create(same);
  expect(await count()).toBe(before + 1);
});

test('tenants, users and methods have keys of their own', async () => {
  const same = request();
  const first = await create(same);
  const others = [
    await create({ ...same, user_id: v7() }),
    await create({ ...same, method: 'task.other' }),
    await create(same, await createTenant(database)),
  ];
  for (const { id } of others) expect(id).not.toBe(first.id);
});

test('a key is free again after 24 hours', async () => {
  const same = request();
  const first = await create(same);
  const expiry = await withTenantId(dataSource, tenant, (tx) =>
    tx.query<unknown>(
      `update idempotency_keys set expires_at = expires_at - interval '24 hours' where key = $1
       returning extract(epoch from expires_at - created_at)::int as seconds`,
      [same.key],
    ),
  );
  expect(expiry).toEqual([[{ seconds: 0 }], 1]);
  expect((await create(same)).id).not.toBe(first.id);
});

test('work that answers nothing is done once, too', async () => {
  const same = request();
  let times = 0;
  const work = () => withTenantId(dataSource, tenant, (tx) => idempotent(tx, same, async () => void times++));
  await work();
  await work();
  expect(times).toBe(1);
});
