import { closeCall, openCall, openDataSource, RlsPool, withTenantId, type TokenBuckets } from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { Channels, keys, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { PriceBook } from './price-book';
import { PriceRepository } from './price.repository';

const tokens: TokenBuckets = {
  input_tokens: 1_000_000,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: 100_000,
  reasoning_tokens: null,
};
const gpt = { kind: 'openai', model: 'gpt-4o-mini' } as const;

let database: TestDatabase;
let db: DataSource;
let rls: RlsPool;
let redis: RedisClient;
let channels: Channels;
let prices: PriceBook;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.orchestrator, pool: 3 });
  rls = new RlsPool(db, { prepare: true });
  redis = testRedis('commands');
  const subscriber = testRedis('subscriber');
  channels = new Channels(subscriber);
  await Promise.all([whenReady(redis), whenReady(subscriber)]);
});
beforeEach(async () => {
  prices = new PriceBook(new PriceRepository(rls), channels);
  tenant = await createTenant(database);
});
afterAll(async () => {
  channels.onApplicationShutdown();
  redis.disconnect();
  await db.destroy();
  await database.drop();
});

const as = <T>(tenant_id: string, work: () => T): T =>
  runAs({ tenant_id, permissions: [], issuer: 'orchestrator' }, work);
const costOf = (tenant_id: string) => as(tenant_id, () => prices.costOf(gpt, tokens));

const setPrice = (price: number) =>
  database.admin(
    `insert into tenant_prices (tenant_id, id, provider_kind, model, input_price, output_price)
     values ($1, gen_random_uuid(), 'openai', 'gpt-4o-mini', $2::bigint, $2::bigint)`,
    [tenant, price],
  );

test('says what the ledger will say', async () => {
  const call = { call_id: v7(), kind: 'chat', provider_id: null, provider_kind: gpt.kind, model: gpt.model };
  const closing = { ...tokens, status: 'closed', is_estimated: false, error_code: null, latency_ms: 1 } as const;
  const booked = await withTenantId(db, tenant, async (tx) => {
    await openCall(tx, call);
    return closeCall(tx, { ...closing, call_id: call.call_id });
  });
  expect(await costOf(tenant)).toBe(booked.cost_micro_usd);
  expect(booked.cost_micro_usd).toBe(150_000 + 60_000);
});

test('asks the database once, and again when the tenant has changed a price', async () => {
  const other = await createTenant(database);
  // Until the book listens, a message would be lost.
  await until(async () => {
    await redis.publish(keys.pricesChanged(), tenant);
    return Number((await redis.pubsub('NUMSUB', keys.pricesChanged()))[1]) > 0;
  });
  await Promise.all([costOf(tenant), costOf(other)]);
  const asked = jest.spyOn(rls, 'read');
  await Promise.all([costOf(tenant), costOf(tenant), costOf(other)]);
  expect(asked).not.toHaveBeenCalled();
  await setPrice(1_000_000);
  expect(await costOf(tenant)).toBe(210_000);
  await redis.publish(keys.pricesChanged(), tenant);
  await until(async () => (await costOf(tenant)) === 1_100_000);
  expect(asked).toHaveBeenCalledTimes(1);
  expect(await costOf(other)).toBe(210_000);
  asked.mockRestore();
});

const free = { price_id: null, input_price: null, output_price: null, long_above_tokens: null };

test('does not grow without end by models that one tenant makes up', async () => {
  const asked = jest.spyOn(rls, 'read').mockResolvedValue([free]);
  const ask = (model: string) => as(tenant, () => prices.costOf({ kind: 'openai', model }, tokens));
  for (let model = 0; model <= 10_000; model += 1) await ask(`made-up-${model}`);
  expect(asked).toHaveBeenCalledTimes(10_001);
  await ask('made-up-0');
  expect(asked).toHaveBeenCalledTimes(10_002);
  asked.mockRestore();
});

test('a failure is not remembered', async () => {
  const failing = jest.spyOn(rls, 'read').mockRejectedValueOnce(new Error('The database is away.'));
  await expect(costOf(tenant)).rejects.toThrow('away');
  failing.mockRestore();
  expect(await costOf(tenant)).toBe(210_000);
});

describe('a model without a known price', () => {
  const unheard = { kind: 'openai', model: 'unheard-of', provider_name: 'main' } as const;
  const assert = (unknown_models?: 'block' | 'record', candidate = unheard) =>
    as(tenant, () => prices.assertPriced({ ...candidate, settings: unknown_models ? { unknown_models } : {} }));

  test('is refused where the provider wants that, and has no cost elsewhere', async () => {
    await expect(assert('block')).rejects.toMatchObject({ name: 'ModelFailure', code: 'model_unpriced' });
    await expect(assert('record')).resolves.toBeUndefined();
    await expect(assert()).resolves.toBeUndefined();
    expect(await as(tenant, () => prices.costOf(unheard, tokens))).toBeNull();
  });

  test('is another one than a model that costs nothing', async () => {
    const local = {
      kind: 'ollama',
      model: 'llama3.2:3b',
      provider_name: 'local',
      settings: { unknown_models: 'block' },
    } as const;
    await expect(as(tenant, () => prices.assertPriced(local))).resolves.toBeUndefined();
    expect(await as(tenant, () => prices.costOf(local, tokens))).toBe(0);
  });
});
