import { runInContext, type OncePerKey } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from './data-source';
import { TaskEntity } from '../entities';
import { emit, eventRow } from '../outbox/outbox';
import { onOutbox } from '../outbox/wake';
import { RlsPool } from './rls-pool';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId, type Tx } from './tx';
import { withTenant } from './with-tenant';

let database: TestDatabase;
let db: DataSource;
let rls: RlsPool;
let tenant: string;
const wake = jest.fn();

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.task, pool: 10 });
  rls = new RlsPool(db, { prepare: true });
  onOutbox(db, wake);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  tenant = await createTenant(database);
  wake.mockClear();
});

const newKey = (): OncePerKey => ({
  method: 'task.create',
  key: v7(),
  user_id: v7(),
  request_hash: 'hash',
  transaction: 'none',
});

/** One call of a method that is once per key, of the tenant's user; without a key if there is none. */
function call<T>(key: OncePerKey | undefined, work: () => Promise<T>): Promise<T> {
  const caller = { tenant_id: tenant, permissions: [], issuer: 'gateway' } as const;
  return runInContext({ request_id: 'spec', caller, ...(key && { once: { ...key } }) }, work);
}

async function addTask(tx: Tx) {
  const id = v7();
  await tx.insert(TaskEntity, { tenant_id: tx.tenant_id, id, title: 'once' });
  await emit(tx, 'task.deleted', { id });
  return { id };
}

const INSERT = `
  with event as (insert into outbox (tenant_id, id, type, payload) values ($1, $3, $4, $5))
  insert into tasks (tenant_id, id, title) values ($1, $2, 'once') returning id`;

const ways = {
  withTenant: () => withTenant(db, addTask),
  'RlsPool.insert': () => {
    const id = v7();
    return rls.insert(INSERT, [tenant, id, ...eventRow('task.deleted', { id })], { id });
  },
  'RlsPool.write': async () => {
    const id = v7();
    const [task] = await rls.write<{ id: string }>(INSERT, [tenant, id, ...eventRow('task.deleted', { id })]);
    return task;
  },
};

const count = () => withTenantId(db, tenant, (tx) => tx.count(TaskEntity));

describe.each(Object.entries(ways))('%s', (_, add) => {
  it('does the work once for a key, gives its result again, and wakes the relays for the work alone', async () => {
    const key = newKey();
    const first = await call(key, add);
    expect(await call(key, add)).toEqual(first);
    expect(await count()).toBe(1);
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('does the work each time without a key', async () => {
    await call(undefined, add);
    await call(undefined, add);
    expect(await count()).toBe(2);
    expect(wake).toHaveBeenCalledTimes(2);
  });

  it('refuses the key for another request', async () => {
    const key = newKey();
    await call(key, add);
    const other = call({ ...key, request_hash: 'other' }, add);
    await expect(other).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  });

  it('says that the key is in flight while another works on it', async () => {
    const key = newKey();
    await call(key, () =>
      withTenant(db, async (tx) => {
        await expect(call(key, add)).rejects.toMatchObject({ code: 'idempotency_in_flight' });
        return addTask(tx);
      }),
    );
    expect(await count()).toBe(1);
  });

  it('is refused behind the transaction of the same call', async () => {
    const twice = call(newKey(), async () => {
      await withTenant(db, addTask);
      await add();
    });
    await expect(twice).rejects.toThrow('task.create is once per key, and so has one transaction.');
    expect(await count()).toBe(1);
  });
});

it('leaves no key behind when it is rolled back, wakes nobody, and may be tried again by the same call', async () => {
  const key = newKey();
  const effect = jest.fn();
  const failing = async (tx: Tx) => {
    tx.afterCommit(effect);
    await addTask(tx);
    throw new Error('no');
  };
  const { id } = await call(key, async () => {
    await expect(withTenant(db, failing)).rejects.toThrow('no');
    return withTenant(db, addTask);
  });
  expect(effect).not.toHaveBeenCalled();
  expect(wake).toHaveBeenCalledTimes(1);
  expect(await call(key, () => withTenant(db, addTask))).toEqual({ id });
});

it('has its effects behind the commit, and none when the stored result is given', async () => {
  const key = newKey();
  const seen: Promise<number>[] = [];
  const work = () =>
    withTenant(db, (tx) => {
      tx.afterCommit(() => seen.push(count()));
      return addTask(tx);
    });
  await call(key, work);
  await call(key, work);
  expect(await Promise.all(seen)).toEqual([1]);
});

it('keeps reads apart: they go on before and after the transaction', async () => {
  const key = newKey();
  const tasks = () => rls.read<{ id: string }>('select id from tasks');
  const [before, { id }, after] = await call(
    key,
    async () => [await tasks(), await withTenant(db, addTask), await tasks()] as const,
  );
  expect([before, after]).toEqual([[], [{ id }]]);
});

it('answers an UPDATE with the rows that it returns', async () => {
  const { id } = await call(undefined, () => withTenant(db, addTask));
  const rename = () => rls.write(`update tasks set title = 'renamed' where id = $1 returning title`, [id]);
  expect(await call(newKey(), rename)).toEqual([{ title: 'renamed' }]);
  expect(await call(undefined, rename)).toEqual([{ title: 'renamed' }]);
});
