import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { CallOutcome, OpenCall } from '@taai/contracts';
import { openDataSource, type UsageRecordEntity } from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { createRedis, keys, LedgerStream, whenReady, type RedisClient } from '@taai/platform';
import { redisUrl, until } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { v4, v7 } from 'uuid';
import type { WriterOrder } from './ledger-writer.fixture';
import { LedgerConsumer, type LedgerConsumerOptions } from './ledger.consumer';
import { LedgerWriter } from './ledger.writer';

const bundled = 'test/ledger-writer-fixture';
/** There is one stream on a server: this one is no other spec's. */
const url = `${redisUrl()}/7`;

let database: TestDatabase;
let db: DataSource;
let redis: RedisClient;
let tenants: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.usage, pool: 5 });
  redis = connect('commands');
  await whenReady(redis);
  tenants = [await createTenant(database), await createTenant(database), await createTenant(database)];
});
beforeEach(() => redis.flushdb());
afterAll(async () => {
  for (const connection of connections) connection.disconnect();
  await db.destroy();
  await database.drop();
});

const connections: RedisClient[] = [];

function connect(role: 'commands' | 'blocking'): RedisClient {
  const connection = createRedis(url, { role, connectionName: 'ledger spec' });
  connections.push(connection);
  return connection;
}

function startWriter(options: LedgerConsumerOptions = {}) {
  const writer = new LedgerWriter(db, new LedgerConsumer(redis, connect('blocking'), { block_ms: 50, ...options }));
  writer.onApplicationBootstrap();
  return writer;
}

async function startDoomedWriter(options: LedgerConsumerOptions): Promise<ChildProcess> {
  const order: WriterOrder = { databaseUrl: database.urls.usage, redisUrl: url, options };
  const child = fork(`${process.cwd()}/dist/${bundled}.js`, {
    env: { ...process.env, WRITER_ORDER: JSON.stringify(order) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  expect(await once(child, 'message')).toEqual(['ready', undefined]);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const callOf = (facts: Partial<OpenCall> = {}): OpenCall => ({
  ...{ call_id: v7(), kind: 'chat', provider_id: v7(), provider_kind: 'anthropic', model: 'sandbox-1' },
  ...{ api_key_id: v7(), input_tokens: 7, ...facts },
});

const outcomeOf = (facts: Partial<CallOutcome> = {}): CallOutcome => ({
  ...{ status: 'closed', is_estimated: false, error_code: null, latency_ms: 3 },
  ...{ input_tokens: 1_000_000, cache_read_tokens: null, cache_write_tokens: null, output_tokens: 100_000 },
  ...{ reasoning_tokens: null, ...facts },
});

const as = <T>(tenant_id: string | undefined, work: () => T): T =>
  runAs({ tenant_id: tenant_id ?? '', permissions: [], issuer: 'orchestrator' }, work);

async function rows(call_ids: string[]): Promise<UsageRecordEntity[]> {
  const sql = 'select to_jsonb(u) as row from usage_records u where call_id = any ($1) order by call_id';
  return (await database.admin<{ row: UsageRecordEntity }>(sql, [call_ids])).map(({ row }) => row);
}

const isEmpty = async () => (await redis.xlen(keys.ledger())) === 0;

test('a call is one row, open first, then closed with tokens and cost', async () => {
  const ledger = new LedgerStream(redis);
  const [tenant] = tenants;
  const call = callOf();
  const writer = startWriter();
  await as(tenant, () => ledger.open(call));
  await until(isEmpty);
  expect(await rows([call.call_id])).toMatchObject([
    { ...call, tenant_id: tenant, status: 'open', is_estimated: true, output_tokens: null, closed_at: null },
  ]);
  await as(tenant, () => ledger.close(call, outcomeOf()));
  await until(isEmpty);
  expect(await rows([call.call_id])).toMatchObject([
    { ...call, ...outcomeOf(), cost_micro_usd: 150_000 + 60_000, price_id: expect.any(String) },
  ]);
  expect((await rows([call.call_id]))[0]?.closed_at).not.toBeNull();
  await writer.beforeApplicationShutdown();
});

/** A table that others cannot write to while it is locked: who is killed meanwhile has a batch at hand. */
async function lockable(table: string) {
  const client = new Client(database.adminUrl);
  await client.connect();
  return {
    lock: async () => {
      await client.query('begin');
      await client.query(`lock table ${table} in exclusive mode`);
    },
    unlock: () => client.query('rollback'),
    /** How many transactions want to write to it and cannot. */
    waiting: async () => {
      const sql = 'select from pg_locks where relation = $1::regclass and not granted';
      return (await database.admin(sql, [table])).length;
    },
    close: () => client.end(),
  };
}

describe('exactness', () => {
  beforeAll(async () => {
    const code = `import('./scripts/build/bundle.ts').then(({ bundle }) => bundle([{ in: 'apps/usage/src/ledger-writer.fixture.ts', out: '${bundled}' }]))`;
    await promisify(execFile)(process.execPath, ['-e', code]);
  });

  /** Calls of all tenants at once, each told of in a way of its own. */
  async function produce(ledger: LedgerStream, number: number): Promise<OpenCall> {
    const call = callOf();
    const outcome = outcomeOf({ output_tokens: number, error_code: number % 7 === 0 ? 'timeout' : null });
    await as(tenants[number % tenants.length], async () => {
      await ledger.open(call);
      if (number % 3 === 0) await new Promise(setImmediate);
      await Promise.all([ledger.close(call, outcome), ...(number % 5 === 0 ? [ledger.close(call, outcome)] : [])]);
      if (number % 11 === 0) await ledger.open(call);
    });
    return call;
  }

  test('producers at once, writers killed in the middle of their batches: one row a call, and the right sums', async () => {
    const options = { batch: 20, block_ms: 50, idle_ms: 300 };
    const producers = [1, 2, 3, 4].map(() => connect('commands'));
    await Promise.all(producers.map((connection) => whenReady(connection)));
    const ledgers = producers.map((connection) => new LedgerStream(connection));
    const production = Promise.all(
      ledgers.map(async (ledger, index) => {
        const calls: OpenCall[] = [];
        for (let round = 0; round < 30; round += 1) {
          const numbers = Array.from({ length: 10 }, (_, n) => index * 1000 + round * 10 + n);
          calls.push(...(await Promise.all(numbers.map((number) => produce(ledger, number)))));
        }
        return calls;
      }),
    );
    const table = await lockable('usage_records');
    for (let killed = 0; killed < 3; killed += 1) {
      await table.lock();
      const doomed = await startDoomedWriter(options);
      await until(async () => (await table.waiting()) > 0);
      await kill(doomed);
      await table.unlock();
      await until(async () => (await table.waiting()) === 0);
    }
    expect(Number((await redis.xpending(keys.ledger(), 'writers'))[0])).toBeGreaterThan(0);
    await table.close();
    const calls = (await production).flat();
    const writers = [startWriter(options), startWriter(options)];
    await until(isEmpty);
    await Promise.all(writers.map((writer) => writer.beforeApplicationShutdown()));
    const all = await rows(calls.map(({ call_id }) => call_id));
    expect(all).toHaveLength(1200);
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['closed']));
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
    const numbers = [0, 1, 2, 3].flatMap((index) => Array.from({ length: 300 }, (_, n) => index * 1000 + n));
    expect(sum(all.map(({ output_tokens }) => Number(output_tokens)))).toBe(sum(numbers));
    expect(sum(all.map(({ cost_micro_usd }) => Number(cost_micro_usd)))).toBe(
      sum(numbers.map((output) => 150_000 + Math.floor(output * 0.6 + 0.5))),
    );
    for (const [index, tenant] of tenants.entries()) {
      const own = numbers.filter((number) => number % tenants.length === index).length;
      expect(all.filter(({ tenant_id }) => tenant_id === tenant)).toHaveLength(own);
    }
    expect(await redis.exists(keys.ledgerAside())).toBe(0);
  });

  test('a writer that stops ends its batch, and another one goes on', async () => {
    const ledger = new LedgerStream(redis);
    const calls = Array.from({ length: 300 }, () => callOf());
    const [tenant] = tenants;
    await Promise.all(calls.map((call) => as(tenant, () => ledger.open(call))));
    const first = startWriter({ batch: 10 });
    await until(async () => (await redis.xlen(keys.ledger())) < 300);
    await first.beforeApplicationShutdown();
    const left = await redis.xlen(keys.ledger());
    expect(left).toBeGreaterThan(0);
    expect(await redis.xpending(keys.ledger(), 'writers')).toEqual([0, null, null, null]);
    expect(await rows(calls.map(({ call_id }) => call_id))).toHaveLength(300 - left);
    const second = startWriter();
    await until(isEmpty);
    await second.beforeApplicationShutdown();
    expect(await rows(calls.map(({ call_id }) => call_id))).toHaveLength(300);
  });
});

test('what cannot be written is set aside, and holds nothing up', async () => {
  const ledger = new LedgerStream(redis);
  const [tenant] = tenants;
  const good = [callOf(), callOf(), callOf()];
  const entry = (call: unknown, outcome: unknown = null, tenant_id = tenant) =>
    JSON.stringify({ tenant_id, call, outcome });
  const bad = [
    'not JSON',
    '[]',
    entry(callOf(), null, 'nobody'),
    entry(callOf(), null, v7()),
    entry(callOf({ call_id: v4() })),
    entry({ call_id: v7() }),
    entry({ ...callOf(), model: 'nul \0' }),
    entry(callOf(), { ...outcomeOf(), output_tokens: 1.5 }),
    entry(callOf({ provider_kind: 'openai' }), outcomeOf({ output_tokens: -1 })),
  ];
  for (const call of good) {
    await as(tenant, () => ledger.open(call));
    for (const body of bad.splice(0, 3)) await redis.xadd(keys.ledger(), '*', 'entry', body);
  }
  await redis.xadd(keys.ledger(), '*', 'other', 'field');
  const writer = startWriter();
  await until(isEmpty);
  await writer.beforeApplicationShutdown();
  expect(await rows(good.map(({ call_id }) => call_id))).toHaveLength(3);
  const aside = await redis.xrange(keys.ledgerAside(), '-', '+');
  expect(aside).toHaveLength(10);
  expect(aside.map(([, fields]) => fields[1])).toContain('not JSON');
});

test('a database that refuses all is waited for', async () => {
  const ledger = new LedgerStream(redis);
  const call = callOf();
  const role = `"${new URL(database.urls.usage).username}"`;
  await database.admin(`revoke insert on usage_records from ${role}`);
  const writer = startWriter();
  await as(tenants[0], () => ledger.close(call, outcomeOf()));
  await until(async () => Number((await redis.xpending(keys.ledger(), 'writers'))[0]) === 1);
  await database.admin(`grant insert on usage_records to ${role}`);
  await until(isEmpty);
  await writer.beforeApplicationShutdown();
  expect(await rows([call.call_id])).toMatchObject([{ status: 'closed', cost_micro_usd: 210_000 }]);
});

test('a stream that Redis lost is made again', async () => {
  const ledger = new LedgerStream(redis);
  const writer = startWriter();
  await as(tenants[0], () => ledger.open(callOf()));
  await until(isEmpty);
  await redis.flushdb();
  const call = callOf();
  await as(tenants[0], () => ledger.open(call));
  await until(async () => (await rows([call.call_id])).length === 1);
  await writer.beforeApplicationShutdown();
});

test('consumers that are gone and owe nothing are forgotten', async () => {
  await startWriter().beforeApplicationShutdown();
  const call = callOf();
  await as(tenants[0], () => new LedgerStream(redis).open(call));
  const first = startWriter();
  await until(isEmpty);
  await first.beforeApplicationShutdown();
  const names = async () => (await redis.xinfo('CONSUMERS', keys.ledger(), 'writers')) as unknown[];
  expect(await names()).toHaveLength(1);
  const second = startWriter({ forget_ms: 0, idle_ms: 30 });
  await until(async () => (await names()).length === 0);
  await second.beforeApplicationShutdown();
});

describe('a writer that is too far behind', () => {
  test('has calls refused before they are made, and none lost', async () => {
    const ledger = new LedgerStream(redis, { max_waiting: 3 });
    const [tenant] = tenants;
    const calls = Array.from({ length: 5 }, () => callOf());
    const opened = await Promise.allSettled(calls.map((call) => as(tenant, () => ledger.open(call))));
    expect(opened.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    ]);
    expect(opened[3]).toMatchObject({ reason: { code: 'overloaded', extras: { retry_after: 5 } } });
    await Promise.all(calls.slice(0, 3).map((call) => as(tenant, () => ledger.close(call, outcomeOf()))));
    const writer = startWriter();
    await until(isEmpty);
    await as(tenant, () => ledger.open(callOf()));
    await until(isEmpty);
    await writer.beforeApplicationShutdown();
    const written = await rows(calls.map(({ call_id }) => call_id));
    expect(written.map(({ status }) => status)).toEqual(['closed', 'closed', 'closed']);
  });
});
