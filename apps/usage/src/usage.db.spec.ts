import {
  closeCall,
  openCall,
  openDataSource,
  RlsPool,
  withTenantId,
  type CloseCall,
  type OpenCall,
} from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { LedgerUpkeep } from './ledger.upkeep';
import { UsageRepository } from './usage.repository';
import { UsageService } from './usage.service';

let database: TestDatabase;
let db: DataSource;
/** Of the orchestrator, which makes the calls. */
let callers: DataSource;
let repository: UsageRepository;
let usage: UsageService;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.usage, pool: 5 });
  callers = await openDataSource({ url: database.urls.orchestrator, pool: 5 });
  repository = new UsageRepository(db, new RlsPool(db, { prepare: true }));
  usage = new UsageService(repository);
});
afterAll(async () => {
  await Promise.all([db.destroy(), callers.destroy()]);
  await database.drop();
});

const as = <T>(tenant_id: string, work: () => Promise<T>) =>
  runAs({ tenant_id, permissions: ['*:*'], issuer: 'gateway' }, work);

const idAt = (time: string) => v7({ msecs: Date.parse(time) });

interface Call extends Partial<OpenCall>, Partial<Omit<CloseCall, 'call_id'>> {
  at?: string;
}

/** A call of the sandbox's model: 0.15 and 0.60 USD per million tokens. Open only, if it has no `status`. */
async function record(tenant_id: string, { at = '2026-03-10T12:00:00Z', ...call }: Call): Promise<string> {
  const call_id = idAt(at);
  const opened = { kind: 'chat', provider_id: null, provider_kind: 'openai', model: 'sandbox-1', ...call, call_id };
  const unsaid = { cache_read_tokens: null, cache_write_tokens: null, reasoning_tokens: null };
  const { status, input_tokens = 1_000_000, output_tokens = 100_000, is_estimated = false, error_code = null } = call;
  await withTenantId(callers, tenant_id, async (tx) => {
    await openCall(tx, {
      ...pick(opened, ['call_id', 'kind', 'provider_id', 'provider_kind', 'model']),
      ...pick(call, ['agent_id', 'run_id', 'user_id']),
    });
    if (!status) return;
    await closeCall(tx, {
      ...unsaid,
      ...{ call_id, status, input_tokens, output_tokens, is_estimated, error_code, latency_ms: 5 },
    });
  });
  return call_id;
}

const pick = <T extends object, K extends keyof T>(from: T, names: K[]) =>
  Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]])) as Pick<T, K>;

const march = { from: '2026-03-01', to: '2026-04-01' };

describe('summary', () => {
  it('sums what has ended in the period, exactly, and the own tenant alone', async () => {
    const [tenant, other] = [await createTenant(database), await createTenant(database)];
    await record(tenant, { status: 'closed' });
    await record(tenant, { status: 'closed', is_estimated: true, input_tokens: 7, output_tokens: null });
    await record(tenant, { status: 'closed', model: 'unheard-of' });
    await record(tenant, {
      status: 'closed',
      error_code: 'provider_unavailable',
      input_tokens: null,
      output_tokens: null,
    });
    await record(tenant, {});
    await record(tenant, { status: 'closed', at: '2026-02-28T23:59:59.999Z' });
    await record(tenant, { status: 'closed', at: '2026-04-01T00:00:00Z' });
    await record(other, { status: 'closed' });
    expect(await as(tenant, () => usage.summary(march))).toEqual({
      from: new Date('2026-03-01T00:00:00Z'),
      to: new Date('2026-04-01T00:00:00Z'),
      totals: {
        calls: 4,
        input_tokens: 2_000_007,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        output_tokens: 200_000,
        reasoning_tokens: 0,
        cost_micro_usd: 150_000 + 60_000 + 1,
        unpriced_calls: 1,
        estimated_calls: 1,
      },
      groups: [],
    });
  });

  it('is all zeros for a tenant without calls', async () => {
    const tenant = await createTenant(database);
    const { totals, groups } = await as(tenant, () => usage.summary({ group_by: 'model' }));
    expect(new Set(Object.values(totals))).toEqual(new Set([0]));
    expect(groups).toEqual([]);
  });

  it('groups: days in order, everything else dearest first, calls without a key under null', async () => {
    const tenant = await createTenant(database);
    const [agent_id, user_id, provider_id] = [v7(), v7(), v7()];
    await record(tenant, { status: 'closed', at: '2026-03-02T23:59:59Z', agent_id, user_id });
    await record(tenant, { status: 'closed', at: '2026-03-01T00:00:00Z', agent_id, provider_id });
    await record(tenant, { status: 'closed', at: '2026-03-02T00:00:00Z', input_tokens: 0 });
    const keysBy = async (group_by: 'day' | 'provider' | 'model' | 'agent' | 'user') => {
      const { totals, groups } = await as(tenant, () => usage.summary({ ...march, group_by }));
      expect(groups.reduce((sum, { cost_micro_usd }) => sum + cost_micro_usd, 0)).toBe(totals.cost_micro_usd);
      return groups.map(({ key, calls }) => [key, calls]);
    };
    expect(await keysBy('day')).toEqual([
      ['2026-03-01', 1],
      ['2026-03-02', 2],
    ]);
    expect(await keysBy('agent')).toEqual([
      [agent_id, 2],
      [null, 1],
    ]);
    expect(await keysBy('user')).toEqual([
      [null, 2],
      [user_id, 1],
    ]);
    expect(await keysBy('provider')).toEqual([
      [null, 2],
      [provider_id, 1],
    ]);
    expect(await keysBy('model')).toEqual([['sandbox-1', 3]]);
  });

  it('refuses sums that JSON cannot hold, instead of rounding them', async () => {
    const tenant = await createTenant(database);
    const input_tokens = Number.MAX_SAFE_INTEGER;
    await record(tenant, { status: 'closed', input_tokens, model: 'unheard-of' });
    const summary = await as(tenant, () => usage.summary(march));
    expect(summary.totals.input_tokens).toBe(input_tokens);
    await record(tenant, { status: 'closed', input_tokens: 1, model: 'unheard-of' });
    await expect(as(tenant, () => usage.summary(march))).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('reads the partitions of the period alone', async () => {
    const tenant = await createTenant(database);
    const plan = await withTenantId(db, tenant, (tx) =>
      tx.read<{ 'QUERY PLAN': string }>(
        `explain select sum(input_tokens) from usage_records where occurred_at >= now() and occurred_at < now() + interval '1 s'`,
      ),
    );
    const partitions =
      plan
        .map((line) => line['QUERY PLAN'])
        .join('\n')
        .match(/usage_records_\w+ usage_records/g) ?? [];
    expect(partitions.length).toBeLessThanOrEqual(2);
  });
});

describe('records', () => {
  it('pages through the calls, newest first, across partitions', async () => {
    const tenant = await createTenant(database);
    const run_id = v7();
    const times = ['2026-01-05T00:00:00Z', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', new Date().toISOString()];
    const ids: string[] = [];
    for (const at of times) ids.push(await record(tenant, { status: 'closed', at, run_id }));
    await record(tenant, { at: '2026-02-01T00:00:00Z' });
    const first = await as(tenant, () => usage.records({ run_id, limit: 2 }));
    expect(first.has_more).toBe(true);
    const rest = await as(tenant, () => usage.records({ run_id, limit: 2, cursor: first.next_cursor ?? '' }));
    expect([...first.data, ...rest.data].map(({ call_id }) => call_id)).toEqual(ids.sort().reverse());
    expect(rest).toMatchObject({ has_more: false, next_cursor: null });
    expect(first.data[0]).toMatchObject({
      status: 'closed',
      cost_micro_usd: 210_000,
      model: 'sandbox-1',
      latency_ms: 5,
    });
  });

  it('refuses a cursor that tells no time', async () => {
    const cursor = Buffer.from(JSON.stringify([crypto.randomUUID()])).toString('base64url');
    const tenant = await createTenant(database);
    await expect(as(tenant, () => usage.records({ cursor, limit: 20 }))).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
  });
});

describe('upkeep', () => {
  it('ends what was left open, once, however many replicas sweep', async () => {
    const tenants = [await createTenant(database), await createTenant(database)];
    const long_ago = new Date(Date.now() - 11 * 60_000).toISOString();
    const stale: string[] = [];
    for (const tenant of tenants) {
      for (let n = 0; n < 5; n += 1) stale.push(await record(tenant, { at: long_ago }));
      await record(tenant, { at: new Date().toISOString() });
    }
    const replicas = [1, 2, 3].map(() => new LedgerUpkeep(db, repository));
    // Counted together with what other specs of this file left open long ago.
    const [left] = await db.query<[{ count: number }]>('select count(*) from due_open_calls(600, 1000)');
    const ended = await Promise.all(replicas.map((replica) => replica.endStaleCalls()));
    expect(ended.reduce((sum, count) => sum + count, 0)).toBe(left.count);
    for (const tenant of tenants) {
      const { data } = await as(tenant, () => usage.records({ limit: 20 }));
      const swept = data.filter(({ status }) => status === 'estimated');
      expect(swept.map(({ call_id }) => call_id).every((id) => stale.includes(id))).toBe(true);
      expect(swept).toHaveLength(5);
      expect(swept[0]).toMatchObject({ is_estimated: true, error_code: 'abandoned', cost_micro_usd: null });
      expect(data.filter(({ status }) => status === 'open')).toHaveLength(1);
    }
    expect(await replicas[0]?.endStaleCalls()).toBe(0);
  });

  it('makes partitions with its own role, and again without harm', async () => {
    await repository.createPartitions();
    await repository.createPartitions();
  });
});
