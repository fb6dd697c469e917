import { priceContract, type ModelPrice, type PutPrice } from '@taai/contracts';
import { openDataSource, RlsPool } from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { keys, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { permits, rolePermissions } from '@taai/rbac';
import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { PriceRepository } from './price.repository';
import { PriceService } from './price.service';

let database: TestDatabase;
let db: DataSource;
let redis: RedisClient;
let prices: PriceService;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.usage, pool: 5 });
  redis = testRedis('commands');
  await whenReady(redis);
  prices = new PriceService(db, new PriceRepository(new RlsPool(db, { prepare: true })), redis);
});
afterAll(async () => {
  redis.disconnect();
  await db.destroy();
  await database.drop();
});

const as = <T>(tenant_id: string, work: () => Promise<T>) =>
  runAs({ tenant_id, user_id: v7(), permissions: ['*:*'], issuer: 'gateway' }, work);

const gpt: PutPrice = { provider_kind: 'openai', model: 'gpt-4o', price: { input_price: 7, output_price: 9 } };
const put = (tenant: string, input: PutPrice) => as(tenant, () => prices.put(input));

async function listAll(tenant: string): Promise<ModelPrice[]> {
  const all: ModelPrice[] = [];
  let cursor: string | undefined;
  do {
    const page = await as(tenant, () => prices.list({ limit: 30, ...(cursor && { cursor }) }));
    all.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  return all;
}

const audited = async (tenant: string) =>
  (
    await database.admin<{ data: Record<string, unknown> }>(
      `select payload -> 'data' as data from outbox where tenant_id = $1 and type = 'audit.recorded' order by id`,
      [tenant],
    )
  ).map(({ data }) => data);

test('the list is paged whole, each model once, with its source', async () => {
  const tenant = await createTenant(database);
  const all = await listAll(tenant);
  const names = all.map(({ provider_kind, model }) => `${provider_kind}/${model}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(50);
  expect(all.find(({ model }) => model === 'claude-opus-5-5')).toMatchObject({
    own: null,
    list: {
      ...{ input_price: 4_000_000, cache_read_price: 200_000, cache_write_price: 5_000_000, output_price: 20_000_000 },
      ...{ reasoning_price: null, long_above_tokens: null, effective_from: '2026-11-01T00:00:00.000Z' },
      source: expect.stringContaining('read on 2026-'),
    },
  });
  const groq = await as(tenant, () => prices.list({ provider_kind: 'groq', limit: 100 }));
  expect(new Set(groq.data.map(({ provider_kind }) => provider_kind))).toEqual(new Set(['groq']));
});

test('a tenant sets a price, changes it and takes it back, each a version, each audited', async () => {
  const [tenant, other] = [await createTenant(database), await createTenant(database)];
  const first = await put(tenant, gpt);
  expect(first).toMatchObject({ own: { input_price: 7, cache_read_price: null }, list: { input_price: 2_500_000 } });
  await put(tenant, { ...gpt, price: { input_price: 8, output_price: 9, reasoning_price: 1 } });
  expect((await put(tenant, { ...gpt, price: null })).own).toBeNull();
  expect((await listAll(tenant)).find(({ model }) => model === 'gpt-4o')?.own).toBeNull();
  expect(await put(other, gpt)).toMatchObject({ own: { input_price: 7 } });
  const versions = 'select input_price from tenant_prices where tenant_id = $1 order by effective_from';
  expect(await database.admin(versions, [tenant])).toEqual([
    ...[{ input_price: '7' }, { input_price: '8' }, { input_price: null }],
  ]);
  expect(await audited(tenant)).toMatchObject([
    { action: 'price.updated', target_type: 'price', target_id: 'openai/gpt-4o', before: { own: null } },
    { before: { own: { input_price: 7 } }, after: { own: { input_price: 8 } } },
    { before: { own: { input_price: 8 } }, after: { own: null } },
  ]);
});

test('what is said again changes nothing', async () => {
  const tenant = await createTenant(database);
  const answers = await Promise.all([put(tenant, gpt), put(tenant, gpt), put(tenant, gpt)]);
  expect(answers[1]).toEqual(answers[0]);
  await put(tenant, { provider_kind: 'groq', model: 'unheard-of', price: null });
  expect(await audited(tenant)).toHaveLength(1);
});

test('those who hold prices in memory are told', async () => {
  const tenant = await createTenant(database);
  const subscriber = testRedis('subscriber');
  const heard: string[] = [];
  subscriber.on('message', (_, message: string) => heard.push(message));
  await whenReady(subscriber);
  await subscriber.subscribe(keys.pricesChanged());
  await put(tenant, gpt);
  await until(() => heard.includes(tenant));
  subscriber.disconnect();
});

test('a tenant’s own prices are bounded', async () => {
  const tenant = await createTenant(database);
  await database.admin(
    `insert into tenant_prices (tenant_id, id, provider_kind, model, input_price, output_price)
     select $1, gen_random_uuid(), 'openai', 'model-' || n, 1, 1 from generate_series(1, 500) n`,
    [tenant],
  );
  await expect(put(tenant, gpt)).rejects.toMatchObject({ code: 'validation_failed' });
  expect(await put(tenant, { ...gpt, model: 'model-3' })).toMatchObject({ own: { input_price: 7 }, list: null });
});

test.each([[['openai']], [[1, 2]], ['nonsense']])('refuses the cursor of %j', async (keys) => {
  const cursor = Buffer.from(JSON.stringify(keys)).toString('base64url');
  const tenant = await createTenant(database);
  await expect(as(tenant, () => prices.list({ cursor, limit: 20 }))).rejects.toMatchObject({ code: 'invalid_cursor' });
});

test('prices are billing: of the built-in roles, admins alone see and change them', () => {
  const allowed = Object.entries(rolePermissions).filter(([, granted]) =>
    Object.values(priceContract.methods).some(({ access }) => permits(granted, access)),
  );
  expect(allowed.map(([role]) => role)).toEqual(['admin']);
});
