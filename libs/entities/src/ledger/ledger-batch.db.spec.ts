import type { CallOutcome, LedgerEntry, OpenCall } from '@taai/contracts';
import type { DataSource } from 'typeorm';
import { v4, v7 } from 'uuid';
import { openDataSource } from '../database/data-source';
import { UsageRecordEntity } from '../entities';
import { closeCall, mintedAt } from './ledger';
import { recordCalls } from './ledger-batch';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId } from '../database/tx';

let database: TestDatabase;
let db: DataSource;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.usage, pool: 4 });
  tenant = await createTenant(database);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const callOf = (call_id = v7()): OpenCall => ({
  call_id,
  kind: 'chat',
  provider_id: null,
  provider_kind: 'openai',
  model: 'gpt-4o-mini',
  input_tokens: 10,
});

const outcomeOf = (input_tokens: number): CallOutcome => ({
  status: 'closed',
  is_estimated: false,
  error_code: null,
  latency_ms: 1,
  input_tokens,
  output_tokens: 0,
  cache_read_tokens: null,
  cache_write_tokens: null,
  reasoning_tokens: null,
});

const opened = (call: OpenCall): LedgerEntry => ({ tenant_id: tenant, call, outcome: null });
const closed = (call: OpenCall, tokens: number): LedgerEntry => ({
  tenant_id: tenant,
  call,
  outcome: outcomeOf(tokens),
});
const record = (...entries: LedgerEntry[]) => withTenantId(db, tenant, (tx) => recordCalls(tx, entries));
const read = (call_id: string) => withTenantId(db, tenant, (tx) => tx.findOneByOrFail(UsageRecordEntity, { call_id }));

const orders: [string, (call: OpenCall) => LedgerEntry[][]][] = [
  ['in one batch', (call) => [[opened(call), closed(call, 1_000_000)]]],
  ['in one batch, the outcome first', (call) => [[closed(call, 1_000_000), opened(call)]]],
  ['one after the other', (call) => [[opened(call)], [closed(call, 1_000_000)]]],
  ['the outcome first', (call) => [[closed(call, 1_000_000)], [opened(call)]]],
  ['the outcome alone', (call) => [[closed(call, 1_000_000)]]],
  [
    'each twice',
    (call) => [[opened(call), opened(call)], [closed(call, 1_000_000)], [closed(call, 1_000_000), opened(call)]],
  ],
  ['with another outcome later', (call) => [[closed(call, 1_000_000), closed(call, 5)], [closed(call, 7)]]],
];

test.each(orders)('told %s, a call is one row with its first outcome', async (_, batchesOf) => {
  const call = callOf();
  for (const batch of batchesOf(call)) await record(...batch);
  expect(await read(call.call_id)).toMatchObject({
    ...call,
    status: 'closed',
    input_tokens: 1_000_000,
    cost_micro_usd: 150_000,
    is_estimated: false,
    occurred_at: mintedAt(call.call_id),
    closed_at: expect.any(Date),
    price_id: expect.any(String),
  });
});

test('writers of the same calls at the same time do not wait for each other for ever', async () => {
  const calls = Array.from({ length: 200 }, () => callOf());
  const entries = calls.map((call, index) => (index % 2 ? closed(call, index) : opened(call)));
  await Promise.all([record(...entries), record(...entries.toReversed()), record(...entries), record(...entries)]);
  const rows = await database.admin<{ n: number }>(
    `select count(*)::integer as n from usage_records where call_id = any ($1) and status = 'closed'`,
    [calls.map(({ call_id }) => call_id)],
  );
  expect(rows).toEqual([{ n: 100 }]);
});

test('the true outcome takes the place of a sweep’s estimate', async () => {
  const call = callOf();
  await record(opened(call));
  const estimate = { ...outcomeOf(10), call_id: call.call_id, status: 'estimated', is_estimated: true } as const;
  await withTenantId(db, tenant, (tx) => closeCall(tx, estimate));
  await record(closed(call, 500_000));
  expect(await read(call.call_id)).toMatchObject({ status: 'closed', cost_micro_usd: 75_000, is_estimated: false });
});

test('five hundred calls take two statements', async () => {
  await withTenantId(db, tenant, async (tx) => {
    const [read, write] = [jest.spyOn(tx, 'read'), jest.spyOn(tx, 'write')];
    await recordCalls(
      tx,
      Array.from({ length: 500 }, (_, index) => (index % 3 ? closed(callOf(), index) : opened(callOf()))),
    );
    expect([read.mock.calls.length, write.mock.calls.length]).toEqual([1, 1]);
  });
});

test('an id that tells no time is refused, and so is a call of another tenant', async () => {
  await expect(record(opened(callOf(v4())))).rejects.toThrow(RangeError);
  const call = callOf();
  await record(closed(call, 1));
  const other = await createTenant(database);
  await withTenantId(db, other, (tx) => recordCalls(tx, [closed(call, 2)]));
  expect(await read(call.call_id)).toMatchObject({ input_tokens: 1 });
});
