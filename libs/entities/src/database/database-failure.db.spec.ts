import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { openDataSource } from './data-source';
import { RlsPool } from './rls-pool';
import { withTenantId } from './tx';

let database: TestDatabase;
let source: DataSource;
let rls: RlsPool;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenant = await createTenant(database);
  source = await openDataSource({ url: database.urls.task, pool: 2 });
  rls = new RlsPool(source, { prepare: true });
});
afterAll(async () => {
  await source?.destroy();
  await database?.drop();
});

/** Ends every connection of the service, as a server does that stops. */
const endConnections = () =>
  database.admin(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'test-task' and pid <> pg_backend_pid()`,
  );

const sleep = 'select pg_sleep(60)';
const asleep = async () => {
  for (;;) {
    const sleepers = await database.admin(
      `select from pg_stat_activity where usename = 'test-task' and wait_event = 'PgSleep'`,
    );
    if (sleepers.length > 0) return;
  }
};

const unavailable = { name: 'ProblemError', code: 'service_unavailable' };
const inTenant = <T>(work: () => Promise<T>) => runAs({ tenant_id: tenant, permissions: [], issuer: 'task' }, work);

describe('a server that ends its connections', () => {
  it.each([
    ['a statement in one round trip', () => inTenant(() => rls.read(sleep))],
    ['a statement across tenants', () => source.query(sleep)],
    ['a transaction', () => withTenantId(source, tenant, (tx) => tx.read(sleep))],
  ])('fails %s as unavailable, and the next one succeeds', async (_, work) => {
    const cut = work().catch((error: unknown) => error);
    await asleep();
    await endConnections();
    expect(await cut).toMatchObject(unavailable);
    await expect(inTenant(() => rls.read('select 1 as one'))).resolves.toEqual([{ one: 1 }]);
    await expect(withTenantId(source, tenant, (tx) => tx.read('select 1 as one'))).resolves.toEqual([{ one: 1 }]);
  });

  it('fails a transaction whose connection is lost between two statements', async () => {
    const cut = withTenantId(source, tenant, async (tx) => {
      await tx.read('select 1');
      await endConnections();
      return tx.read('select 2');
    });
    await expect(cut).rejects.toMatchObject(unavailable);
  });
});
