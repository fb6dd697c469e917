import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from './data-source';
import { TaskEntity } from '../entities';
import { RlsPool } from './rls-pool';
import { Rows } from './rows';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId, type Tx } from './tx';

const tasks = new Rows(TaskEntity, ['id', 'title', 'status', 'labels', 'updated_at']);

let database: TestDatabase;
let db: DataSource;
let rls: RlsPool;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.task, pool: 4 });
  rls = new RlsPool(db, { prepare: true });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  tenant = await createTenant(database);
});

const inTenant = <T>(work: (tx: Tx) => Promise<T>) => withTenantId(db, tenant, work);
const read = <T>(work: () => Promise<T>) => runAs({ tenant_id: tenant, permissions: [], issuer: 'task' }, work);
const add = (title: string, more: Partial<TaskEntity> = {}) => inTenant((tx) => tasks.insert(tx, { title, ...more }));

test('a row is inserted with what it does not bring, and shown as it was written', async () => {
  const labels = ['a,b', '"quoted"', '{}'];
  const task = await add('Call Ada', { labels });
  expect(task).toEqual({
    id: expect.any(String),
    title: 'Call Ada',
    status: 'todo',
    labels,
    updated_at: expect.any(Date),
  });
  expect(await add('Call Bob', { id: tenant })).toMatchObject({ id: tenant });
  expect(await read(() => tasks.find(rls, { id: task.id }))).toEqual(task);
  expect(await inTenant((tx) => tasks.find(tx, { title: 'Call Ada', status: 'todo' }))).toEqual(task);
});

test('an update sets what is given, and the time', async () => {
  const { id, updated_at } = await add('Call Ada', { labels: ['x'] });
  const updated = await inTenant((tx) => tasks.update(tx, { id }, { title: 'Call Bob', status: undefined }));
  expect(updated).toMatchObject({ id, title: 'Call Bob', status: 'todo', labels: ['x'] });
  expect(updated?.updated_at.getTime()).toBeGreaterThan(updated_at.getTime());
});

test('an update may set something else along', async () => {
  const counted = new Rows(TaskEntity, ['title', 'labels'], `labels = array_append(labels, 'touched')`);
  const { id } = await add('Call Ada');
  expect(await inTenant((tx) => counted.update(tx, { id }, {}))).toEqual({ title: 'Call Ada', labels: ['touched'] });
});

test('a row is removed once, and shown as it was', async () => {
  const task = await add('Call Ada');
  const other = await add('Call Bob');
  const remove = () => inTenant((tx) => tasks.remove(tx, { id: task.id }));
  expect(await remove()).toEqual(task);
  expect(await remove()).toBeUndefined();
  expect(await read(() => tasks.page(rls, undefined, 9))).toEqual([other]);
});

test('of what is not there, or does not match, there is nothing to find, lock or update', async () => {
  const { id } = await add('Call Ada');
  await expect(inTenant((tx) => tasks.lock(tx, { id: v7() }))).resolves.toBeUndefined();
  await expect(inTenant((tx) => tasks.find(tx, { id, status: 'done' }))).resolves.toBeUndefined();
  await expect(inTenant((tx) => tasks.update(tx, { id, status: 'done' }, { title: 'x' }))).resolves.toBeUndefined();
});

test('a locked row is nobody else’s until the transaction ends', async () => {
  const { id } = await add('Call Ada');
  await inTenant(async (tx) => {
    expect(await tasks.lock(tx, { id })).toMatchObject({ title: 'Call Ada' });
    const waiting = `select from tasks where id = $1 for update nowait`;
    await expect(inTenant((other) => other.read(waiting, [id]))).rejects.toMatchObject({ code: '55P03' });
  });
});

test('pages go on behind the last row, newest first, of those that match', async () => {
  const ids: string[] = [];
  for (const title of ['a', 'b', 'c']) ids.unshift((await add(title)).id);
  await add('done', { status: 'done' });
  const page = (after?: string) => read(() => tasks.page(rls, after, 2, { status: 'todo' }));
  const first = await page();
  expect([...first, ...(await page(first.at(-1)?.id))].map(({ id }) => id)).toEqual(ids);
  expect(await read(() => tasks.page(rls, undefined, 9))).toHaveLength(4);
});

test('a column that is none is an error, not SQL', async () => {
  const odd = { title: 'x', 'id) --': 'y' };
  await expect(inTenant((tx) => tasks.insert(tx, odd))).rejects.toThrow('tasks has no column id) --.');
});
