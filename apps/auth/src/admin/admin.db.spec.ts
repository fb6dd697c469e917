import { openDataSource, TenantEntity, withTenantId } from '@taai/entities';
import { createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { userInfo } from 'node:os';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import type { AdminTools } from './command';
import { runAdmin } from './run';

let database: TestDatabase;
let source: DataSource;
let admin: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await openDataSource({ url: database.urls.auth, pool: 2 });
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await source.destroy();
  await database.drop();
});

async function newTenant(facts: Partial<Pick<TenantEntity, 'name' | 'status' | 'delete_at'>> = {}): Promise<string> {
  const id = v7();
  await withTenantId(source, id, (tx) => tx.insert(TenantEntity, { id, name: 'Acme', ...facts }));
  return id;
}

async function run(...args: string[]) {
  const lines: string[] = [];
  const tools: AdminTools = {
    onDatabase: (work) => work(source),
    onFleet: () => Promise.reject(new Error('no fleet was needed')),
    print: (line) => void lines.push(line),
    complain: (line) => void lines.push(line),
  };
  return { code: await runAdmin(args, tools), text: lines.join('\n') };
}

const statusOf = async (id: string) =>
  (await admin.query<TenantEntity>('select status, delete_at from tenants where id = $1', [id])).rows[0];

async function traces(id: string) {
  const audited = await admin.query<{ data: object }>(
    `select payload -> 'data' as data from outbox where tenant_id = $1`,
    [id],
  );
  const feed = await admin.query<object>('select kind, id from access_changes where tenant_id = $1', [id]);
  return { audited: audited.rows.map(({ data }) => data), feed: feed.rows };
}

const inDays = (days: number) => new Date(Date.now() + days * 24 * 3600 * 1000);

describe('tenant suspend', () => {
  it('suspends, tells the gateways, and is audited by the name of the system user', async () => {
    const id = await newTenant();
    expect(await run('tenant', 'suspend', id)).toMatchObject({
      code: 0,
      text: expect.stringContaining(`${id} is suspended`),
    });
    expect(await statusOf(id)).toMatchObject({ status: 'suspended' });
    const { audited, feed } = await traces(id);
    expect(feed).toEqual([{ kind: 'tenant', id }]);
    expect(audited).toMatchObject([
      { action: 'tenant.suspended', actor_type: 'operator', actor_id: userInfo().username, target_id: id },
    ]);
  });

  it('says so when there is nothing to do, and changes nothing', async () => {
    const id = await newTenant({ status: 'suspended' });
    expect(await run('tenant', 'suspend', id)).toEqual({ code: 0, text: `Tenant ${id} is suspended already.` });
    expect(await traces(id)).toEqual({ audited: [], feed: [] });
  });

  it('refuses for a tenant that is being deleted', async () => {
    const id = await newTenant({ status: 'deleting', delete_at: inDays(3) });
    expect(await run('tenant', 'suspend', id)).toMatchObject({ code: 1, text: expect.stringContaining('is deleting') });
    expect(await statusOf(id)).toMatchObject({ status: 'deleting' });
  });
});

it('tenant resume ends a suspension, and no deletion', async () => {
  const [suspended, deleting] = [
    await newTenant({ status: 'suspended' }),
    await newTenant({ status: 'deleting', delete_at: inDays(3) }),
  ];
  expect(await run('tenant', 'resume', suspended)).toMatchObject({ code: 0 });
  expect(await statusOf(suspended)).toMatchObject({ status: 'active' });
  expect((await traces(suspended)).feed).toHaveLength(1);
  expect(await run('tenant', 'resume', deleting)).toMatchObject({ code: 1 });
});

describe('tenant restore', () => {
  it('cancels a deletion', async () => {
    const id = await newTenant({ status: 'deleting', delete_at: inDays(3) });
    expect(await run('tenant', 'restore', id)).toMatchObject({ code: 0 });
    expect(await statusOf(id)).toEqual({ status: 'active', delete_at: null });
    expect(await traces(id)).toMatchObject({ audited: [{ action: 'tenant.restored' }], feed: [{ id }] });
  });

  it.each([
    ['has begun', -1],
    ['is about to begin', 0.5 / 24 / 60],
  ])('comes too late when the erasure %s', async (_, days) => {
    const id = await newTenant({ status: 'deleting', delete_at: inDays(days) });
    expect(await run('tenant', 'restore', id)).toMatchObject({ code: 1, text: expect.stringContaining('erased at') });
    expect(await statusOf(id)).toMatchObject({ status: 'deleting' });
    expect(await traces(id)).toEqual({ audited: [], feed: [] });
  });

  it('does not end a suspension', async () => {
    const id = await newTenant({ status: 'suspended' });
    expect(await run('tenant', 'restore', id)).toMatchObject({ code: 1 });
  });
});

it('tenant list and show print tenants, and no control sequence of their names', async () => {
  const id = await newTenant({ name: 'Ev\u001b[2Jil\u009b' });
  for (const { code, text } of [await run('tenant', 'list'), await run('tenant', 'show', id)]) {
    expect(code).toBe(0);
    expect(text).toContain(id);
    expect(text).toContain('Ev\u{fffd}[2Jil\u{fffd}');
  }
});

it('tenant list goes on behind its first page', async () => {
  await admin.query(`insert into tenants (id, name) select gen_random_uuid(), 'many' from generate_series(1, 600)`);
  const { text } = await run('tenant', 'list');
  const ids = text.split('\n').map((line) => line.split(' ')[0]);
  const { rows } = await admin.query('select id from tenants');
  expect(new Set(ids).size).toBe(rows.length);
  expect(ids).toHaveLength(rows.length);
});

describe('what is not understood', () => {
  it.each([
    [[], 2, 'Commands for the operator'],
    [['--help'], 0, 'tenant suspend <id>'],
    [['tenant', 'suspend', 'x', '--help'], 0, 'tenant suspend <id>'],
    [['tenant'], 2, 'no such command'],
    [['toString', ''], 2, 'no such command'],
    [['tenant', 'suspend'], 2, 'Usage: tenant suspend <id>'],
    [['tenant', 'suspend', v7(), v7()], 2, 'Usage: tenant suspend <id>'],
  ])('%j', async (args, code, text) => {
    expect(await run(...args)).toMatchObject({ code, text: expect.stringContaining(text) });
  });

  it.each(['', 'acme', `${v7()}'; drop table tenants`])('the id %j', async (id) => {
    expect(await run('tenant', 'show', id)).toMatchObject({ code: 1, text: expect.stringContaining('a UUID') });
  });

  it('an id of no tenant', async () => {
    const id = v7();
    expect(await run('tenant', 'suspend', id)).toEqual({ code: 1, text: `There is no tenant ${id}.` });
  });
});

const subscriptionOf = async (id: string) => {
  const sql = `select s.plan_id, s.limits, t.plan_id as shown from subscriptions s join tenants t on t.id = s.tenant_id where t.id = $1`;
  return (await admin.query<object>(sql, [id])).rows[0];
};

async function subscribedTenant(): Promise<string> {
  const id = await newTenant();
  const sql = `insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $1, 'free', now())`;
  await admin.query(sql, [id]);
  return id;
}

describe('tenant plan and tenant limits', () => {
  it('set what a tenant is allowed, tell the gateways, and are audited', async () => {
    const id = await subscribedTenant();
    expect(await run('tenant', 'plan', id, 'pro')).toMatchObject({ code: 0 });
    const limits = { tokens_per_minute: 7, active_runs: null, endpoints: { 'POST /v1/tasks': 3 } };
    expect(await run('tenant', 'limits', id, JSON.stringify(limits))).toMatchObject({ code: 0 });
    expect(await subscriptionOf(id)).toEqual({ plan_id: 'pro', shown: 'pro', limits });
    const { audited, feed } = await traces(id);
    expect(feed).toEqual(Array.from({ length: 2 }, () => ({ kind: 'tenant', id })));
    expect(audited).toMatchObject([
      { action: 'tenant.plan_changed', actor_type: 'operator', before: { plan_id: 'free' }, after: { plan_id: 'pro' } },
      { action: 'tenant.limits_changed', before: { limits: {} }, after: { limits } },
    ]);
  });

  it('are heard of by the gateways whoever changes them, and nothing else is', async () => {
    const id = await subscribedTenant();
    await admin.query(`update subscriptions set updated_at = now() where tenant_id = $1`, [id]);
    expect((await traces(id)).feed).toEqual([]);
    await admin.query(`update subscriptions set plan_id = 'pro' where tenant_id = $1`, [id]);
    expect((await traces(id)).feed).toEqual([{ kind: 'tenant', id }]);
  });

  it.each([
    ['plan', 'gold', 'A plan is one of free, pro, enterprise, unlimited.'],
    ['limits', '[1]', 'Limits are a JSON object.'],
    ['limits', '{', 'Limits are a JSON object.'],
    ['limits', '{"requests_per_minute":0}', 'requests_per_minute must not be less than 1.'],
    ['limits', '{"requests":1}', 'requests should not exist.'],
    ['limits', '{"endpoints":{"tasks":1}}', 'endpoints must have a limit for each route (`POST /v1/tasks`).'],
    ['limits', '{"endpoints":{"GET /v1/tasks":0.5}}', 'endpoints must have a limit for each route (`POST /v1/tasks`).'],
  ])('refuse %s %s', async (command, text, complaint) => {
    const id = await subscribedTenant();
    expect(await run('tenant', command, id, text)).toEqual({ code: 1, text: complaint });
    expect(await subscriptionOf(id)).toEqual({ plan_id: 'free', shown: 'free', limits: {} });
  });
});
