import { openDataSource } from './data-source';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId } from './tx';
import { UsageRecordEntity } from '../entities';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const urlOf = (role: string) => {
  const url = new URL(database.adminUrl);
  [url.username, url.password] = [role, 'test'];
  return url.href;
};

test('a superuser is refused with a sentence that says what to do', async () => {
  await expect(openDataSource({ url: database.adminUrl, pool: 1 })).rejects.toThrow(
    /role "postgres" is a superuser.*set DATABASE_URL/,
  );
});

test('the owner of the tables is refused', async () => {
  await expect(openDataSource({ url: database.migratorUrl, pool: 1 })).rejects.toThrow(/"test_migrator" owns tables/);
});

test.each([
  ['that bypasses row level security', 'bypassrls', 'has BYPASSRLS'],
  ['that may make roles', 'createrole', 'has CREATEROLE'],
  ['that may copy the server', 'replication', 'has REPLICATION'],
  ['that may become the owner', 'in role test_migrator', 'owns tables'],
  ['that may become another service', 'in role "test-auth"', 'may become "test-auth", which has rights on tables'],
  ['that may become the resolver', 'in role resolver', 'may become "resolver", which has rights on tables'],
  ['that may read everything', 'in role pg_read_all_data', 'may become "pg_read_all_data", which has rights on tables'],
])('a role %s is refused', async (_, options, fault) => {
  const role = `probe_${process.pid}`;
  await database.admin(`create role ${role} login password 'test' ${options}`);
  try {
    await expect(openDataSource({ url: urlOf(role), pool: 1 })).rejects.toThrow(`"${role}" ${fault}`);
  } finally {
    await database.admin(`drop role ${role}`);
  }
});

test('an unreachable server, a wrong password and a missing database are each one sentence without the password', async () => {
  const broken = (change: Partial<URL>) => Object.assign(new URL(database.urls.orchestrator), change).href;
  const open = (url: string) => openDataSource({ url, pool: 1 });
  await expect(open(broken({ port: '1' }))).rejects.toThrow(
    /^PostgreSQL at 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\): start it or correct DATABASE_URL\.$/,
  );
  await expect(open(broken({ password: 'secret' }))).rejects.toThrow(
    /^PostgreSQL at [\d.:]+ refuses the role "test-orchestrator": correct DATABASE_URL\.$/,
  );
  await expect(open(broken({ pathname: '/absent' }))).rejects.toThrow(
    /^PostgreSQL at [\d.:]+ has no database "absent": create it or correct DATABASE_URL\.$/,
  );
});

test('a bigint is read as a number, and never as a wrong one', async () => {
  const dataSource = await openDataSource({ url: database.urls.orchestrator, pool: 1 });
  try {
    const tenant = await createTenant(database);
    const occurred_at = new Date();
    const key = { tenant_id: tenant, call_id: tenant, occurred_at };
    const facts = { status: 'open' as const, kind: 'chat', provider_kind: 'openai', model: 'm' };
    const read = await withTenantId(dataSource, tenant, async (tx) => {
      await tx.insert(UsageRecordEntity, { ...key, ...facts, input_tokens: Number.MAX_SAFE_INTEGER });
      return tx.findOneByOrFail(UsageRecordEntity, { call_id: tenant });
    });
    expect(read.input_tokens).toBe(Number.MAX_SAFE_INTEGER);
    await expect(
      withTenantId(dataSource, tenant, async (tx) => {
        await tx.query('update usage_records set input_tokens = 9007199254740993');
        return tx.findBy(UsageRecordEntity, {});
      }),
    ).rejects.toThrow('too large to be exact');
  } finally {
    await dataSource.destroy();
  }
});
