import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from '../database/data-source';
import { UsageRecordEntity } from '../entities';
import { closeCall, mintedAt, openCall, type CloseCall, type OpenCall } from './ledger';
import { withClient } from '../schema/connect';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId } from '../database/tx';

let database: TestDatabase;
let dataSource: DataSource;
/** Of the usage service, which looks after the ledger. */
let upkeep: DataSource;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await openDataSource({ url: database.urls.orchestrator, pool: 8 });
  upkeep = await openDataSource({ url: database.urls.usage, pool: 1 });
  tenant = await createTenant(database);
});
afterAll(async () => {
  await Promise.all([dataSource.destroy(), upkeep.destroy()]);
  await database.drop();
});

const callOf = (model: string, call_id = v7()): OpenCall => ({
  call_id,
  kind: 'chat',
  provider_id: v7(),
  provider_kind: 'openai',
  model,
  run_id: v7(),
});

const outcomeOf = (call_id: string, facts: Partial<CloseCall> = {}): CloseCall => ({
  call_id,
  status: 'closed',
  is_estimated: false,
  error_code: null,
  latency_ms: 12,
  input_tokens: 1000,
  cache_read_tokens: 500,
  cache_write_tokens: null,
  output_tokens: 100,
  reasoning_tokens: 20,
  ...facts,
});

const open = (call: OpenCall) => withTenantId(dataSource, tenant, (tx) => openCall(tx, call));
const close = (outcome: CloseCall) => withTenantId(dataSource, tenant, (tx) => closeCall(tx, outcome));
const read = (call_id: string) =>
  withTenantId(dataSource, tenant, (tx) => tx.findOneByOrFail(UsageRecordEntity, { call_id }));
const admin = (sql: string, params: unknown[] = []) => database.admin(sql, params);

test('a call is opened before it is made, and closed with tokens and cost', async () => {
  const call = callOf('gpt-4o-mini');
  await open(call);
  expect(await read(call.call_id)).toMatchObject({
    ...call,
    status: 'open',
    occurred_at: mintedAt(call.call_id),
    cost_micro_usd: null,
  });
  // 1000 × 0.15 + 500 × 0.075 + 120 × 0.60 micro-USD
  expect(await close(outcomeOf(call.call_id))).toMatchObject({ cost_micro_usd: 260, input_tokens: 1000 });
  const row = await read(call.call_id);
  expect(row).toMatchObject({
    ...outcomeOf(call.call_id),
    cost_micro_usd: 260,
    cache_write_tokens: null,
    closed_at: expect.any(Date),
  });
  expect(await admin('select model from prices where id = $1', [row.price_id])).toEqual([{ model: 'gpt-4o-mini' }]);
});

test('a call is opened once and closed once, whoever tries, however often', async () => {
  const call = callOf('gpt-4o');
  await Promise.all([open(call), open(call), open(call)]);
  const outcomes = [1, 2, 3, 4].map((input_tokens) => outcomeOf(call.call_id, { input_tokens }));
  const answers = await Promise.all(outcomes.map(close));
  const row = await read(call.call_id);
  for (const answer of answers) expect(row).toMatchObject(answer);
  await open(call);
  await close(outcomeOf(call.call_id, { status: 'estimated', output_tokens: 1_000_000 }));
  expect(await read(call.call_id)).toEqual(row);
});

test('a call that was never opened cannot be closed, nor one of another tenant', async () => {
  await expect(close(outcomeOf(v7()))).rejects.toThrow('never opened');
  const call = callOf('gpt-4o');
  await open(call);
  const other = await createTenant(database);
  await expect(withTenantId(dataSource, other, (tx) => closeCall(tx, outcomeOf(call.call_id)))).rejects.toThrow(
    'never opened',
  );
});

test.each([
  ['gpt-4o', 'gpt-4o'],
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
  ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
  ['gpt-4.1-nano-latest', 'gpt-4.1-nano'],
  ['gpt-4o-audio-preview', null],
  ['gpt-4', null],
  ['unheard-of', null],
  ['gpt-5-2', null],
])('%s is priced as %s', async (model, priced) => {
  const call = callOf(model);
  await open(call);
  const { cost_micro_usd } = await close(outcomeOf(call.call_id));
  const { price_id } = await read(call.call_id);
  const [price] = await admin('select model from prices where id = $1', [price_id]);
  expect(price).toEqual(priced === null ? undefined : { model: priced });
  expect(cost_micro_usd === null).toBe(priced === null);
});

test('the price is the one in force when the call was made', async () => {
  const prices = [
    ['2026-03-01Z', 1_000_000],
    ['2026-06-01Z', 3_000_000],
  ] as const;
  for (const [from, input] of prices) {
    await admin(
      `insert into prices (id, provider_kind, model, input_price, output_price, source, effective_from)
       values (gen_random_uuid(), 'openai', 'dated', $1, 0, 'test', $2)`,
      [input, from],
    );
  }
  const costAt = async (time: string) => {
    const call = callOf('dated', v7({ msecs: Date.parse(time) }));
    await open(call);
    return (await close(outcomeOf(call.call_id, { cache_read_tokens: null }))).cost_micro_usd;
  };
  expect(await costAt('2026-02-28T23:59:59Z')).toBeNull();
  expect(await costAt('2026-03-01T00:00:00Z')).toBe(1000);
  expect(await costAt('2026-05-31T23:59:59Z')).toBe(1000);
  expect(await costAt('2026-06-01T00:00:00Z')).toBe(3000);
});

test('a price that was announced holds from its day', async () => {
  const costAt = async (time: string) => {
    const call = { ...callOf('gemini-3.8-flash', v7({ msecs: Date.parse(time) })), provider_kind: 'google' };
    await open(call);
    return (await close(outcomeOf(call.call_id, { cache_read_tokens: null, output_tokens: 0 }))).cost_micro_usd;
  };
  expect(await costAt('2026-12-31T23:59:59Z')).toBe(750 + 75);
  expect(await costAt('2027-01-01T00:00:00Z')).toBe(1500 + 150);
});

describe('a tenant’s own price', () => {
  const setPrice = (tenant_id: string, model: string, input: number | null, from: string) =>
    admin(
      `insert into tenant_prices (tenant_id, id, provider_kind, model, input_price, output_price, effective_from)
       values ($1, gen_random_uuid(), 'openai', $2, $3::bigint, $3::bigint, $4)`,
      [tenant_id, model, input, from],
    );
  /** Of a million tokens. */
  const costFor = async (tenant_id: string, model: string, time: string) => {
    const call = callOf(model, v7({ msecs: Date.parse(time) }));
    await withTenantId(dataSource, tenant_id, (tx) => openCall(tx, call));
    const million = outcomeOf(call.call_id, { input_tokens: 1_000_000, cache_read_tokens: null, output_tokens: null });
    const closed = await withTenantId(dataSource, tenant_id, (tx) =>
      closeCall(tx, { ...million, reasoning_tokens: null }),
    );
    return closed.cost_micro_usd;
  };

  test('comes before the list’s, from its day on, until it is taken back, for that tenant alone', async () => {
    const [own, other] = [await createTenant(database), await createTenant(database)];
    await setPrice(own, 'gpt-4o', 7, '2026-04-01Z');
    await setPrice(own, 'gpt-4o', 8, '2026-05-01Z');
    await setPrice(own, 'gpt-4o', null, '2026-06-01Z');
    expect(await costFor(own, 'gpt-4o', '2026-03-31T23:59:59Z')).toBe(2_500_000);
    expect(await costFor(own, 'gpt-4o-2024-08-06', '2026-04-01T00:00:00Z')).toBe(7);
    expect(await costFor(own, 'gpt-4o', '2026-05-02T00:00:00Z')).toBe(8);
    expect(await costFor(own, 'gpt-4o', '2026-06-01T00:00:00Z')).toBe(2_500_000);
    expect(await costFor(other, 'gpt-4o', '2026-05-02T00:00:00Z')).toBe(2_500_000);
  });

  test('may be one for all models, beside those of single ones', async () => {
    const own = await createTenant(database);
    await setPrice(own, '*', 5, '2026-04-01Z');
    await setPrice(own, 'gpt-4o', 7, '2026-04-01Z');
    expect(await costFor(own, 'gpt-4o', '2026-05-02T00:00:00Z')).toBe(7);
    expect(await costFor(own, 'unheard-of', '2026-05-02T00:00:00Z')).toBe(5);
    await setPrice(own, 'gpt-4o', null, '2026-06-01Z');
    expect(await costFor(own, 'gpt-4o', '2026-06-02T00:00:00Z')).toBe(5);
  });
});

test.each([
  ['anthropic', 'claude-haiku-5-5', { input_tokens: 90_000, cache_read_tokens: 10_000 }, 9000 + 100 + 60],
  ['anthropic', 'claude-haiku-5-5', { input_tokens: 90_001, cache_read_tokens: 10_000 }, 45_001 + 500 + 300],
  ['anthropic', 'claude-haiku-4-5-20251001', { cache_write_tokens: 1000 }, 1000 + 50 + 1250 + 600],
  ['anthropic', 'claude-opus-5-9', {}, null],
  ['google', 'gemini-2.0-flash-001', {}, 100 + 13 + 48],
  ['groq', 'openai/gpt-oss-120b', {}, 150 + 38 + 72],
  ['ollama', 'llama3.2:3b', {}, 0],
  ['ollama', 'sandbox-1', {}, 150 + 38 + 72],
])('%s: %s with %j', async (provider_kind, model, tokens, cost) => {
  const call = { ...callOf(model, v7({ msecs: Date.parse('2026-11-20') })), provider_kind };
  await open(call);
  expect((await close(outcomeOf(call.call_id, tokens))).cost_micro_usd).toBe(cost);
});

test('calls that were opened long ago and never closed are found across tenants, and end as estimates', async () => {
  const old = { ...callOf('gpt-4o', v7({ msecs: Date.now() - 20 * 60_000 })), step: 2, input_tokens: 900 };
  const fresh = callOf('gpt-4o');
  await open(old);
  await open(fresh);
  const due = () => upkeep.query<{ tenant_id: string; call_id: string }[]>('select * from due_open_calls(600, 100)');
  expect(await due()).toEqual([{ tenant_id: tenant, call_id: old.call_id }]);
  expect(await read(old.call_id)).toMatchObject({ step: 2, input_tokens: 900, is_estimated: true });
  await close(outcomeOf(old.call_id, { status: 'estimated', is_estimated: true }));
  expect(await read(old.call_id)).toMatchObject({ status: 'estimated', is_estimated: true, cost_micro_usd: 4325 });
  expect(await due()).toEqual([]);
});

test('partitions are made ahead, once, and take what waited in the default one', async () => {
  const { rows } = await withClient(database.adminUrl, 'TEST_DATABASE_URL', async (client) => {
    await client.query(`
      do $$ declare name regclass; begin
        for name in select inhrelid from pg_inherits where inhparent = 'usage_records'::regclass
          and inhrelid <> 'usage_records_default'::regclass
        loop execute 'drop table ' || name; end loop;
      end $$`);
    return client.query<{ n: number }>('select count(*)::int as n from usage_records_default');
  });
  const before = rows[0]?.n;
  const call = callOf('gpt-4o');
  await open(call);
  expect(await admin('select count(*)::int as n from usage_records_default')).toEqual([{ n: Number(before) + 1 }]);
  expect(await upkeep.query('select create_usage_partitions() as n')).toEqual([{ n: 4 }]);
  expect(await upkeep.query('select create_usage_partitions() as n')).toEqual([{ n: 0 }]);
  const month = new Date().toISOString().slice(0, 7).replace('-', '_');
  expect(await admin(`select call_id from usage_records_${month}`)).toEqual([{ call_id: call.call_id }]);
  expect((await close(outcomeOf(call.call_id))).cost_micro_usd).toBe(4325);
  const loose = await admin(`
    select relname from pg_class where relispartition and relkind = 'r'
      and not (relrowsecurity and relforcerowsecurity and exists (
        select from pg_policies where tablename = relname and policyname = 'tenant_isolation' and qual = with_check))`);
  expect(loose).toEqual([]);
  await expect(dataSource.query(`select * from usage_records_${month}`)).rejects.toMatchObject({ code: '42501' });
});
