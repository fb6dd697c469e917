import type { AuditLog, AuditRecord } from '@taai/contracts';
import { openDataSource, RlsPool, withTenantId } from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { whenReady, type RedisClient } from '@taai/platform';
import { testRedis } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AuditChain } from './audit-chain';
import { AuditRepository } from './audit.repository';
import { AuditService } from './audit.service';
import { AuditVerifier } from './audit.verifier';

let database: TestDatabase;
let source: DataSource;
let redis: RedisClient;
/** The superuser, whom neither grants nor policies stop. */
let admin: Client;
let audit: AuditService;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await openDataSource({ url: database.runtimeUrl, pool: 8 });
  redis = testRedis('commands');
  await whenReady(redis);
  admin = new Client(database.adminUrl);
  await admin.connect();
  const repository = new AuditRepository(source, RlsPool.of(source, { prepare: true }));
  audit = new AuditService(repository, new AuditVerifier(repository), redis);
});
afterAll(async () => {
  redis.disconnect();
  await source.destroy();
  await admin.end();
  await database.drop();
});
beforeEach(async () => {
  tenant = await createTenant(source);
});

const as = <T>(work: () => Promise<T>, tenant_id = tenant) =>
  runAs({ tenant_id, permissions: ['*:*'], issuer: 'webhook' }, work);

const record = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  id: v7(),
  actor_type: 'user',
  actor_id: 'ada',
  action: 'agent.updated',
  target_type: 'agent',
  target_id: 'helper',
  before: { name: 'Old' },
  after: { name: 'New' },
  request_id: 'r',
  ip: '192.0.2.7',
  created_at: new Date().toISOString(),
  ...more,
});

const records = (count: number, more: Partial<AuditRecord> = {}) => Array.from({ length: count }, () => record(more));
const append = (entries: AuditRecord[], tenant_id = tenant) => as(() => audit.append({ entries }), tenant_id);
const verify = (after?: number) => as(() => audit.verify({ after }));
const list = (query: Parameters<AuditService['list']>[0] = {}) => as(() => audit.list(query));

describe('append', () => {
  it('numbers entries from 1, links them, and keeps what they say', async () => {
    const [first, second] = [record(), record({ before: null, after: null, actor_type: 'service' })];
    await append([first]);
    await append([second]);
    const [newest, oldest] = (await list()).data;
    expect(oldest).toMatchObject({ ...first, created_at: new Date(first.created_at), seq: 1, previous_hash: null });
    expect(newest).toMatchObject({ ...second, created_at: new Date(second.created_at), seq: 2 });
    expect(newest?.previous_hash).toBe(oldest?.hash);
    expect(await verify()).toEqual({
      is_intact: true,
      checked: 2,
      next_after: null,
      broken: null,
      head: { seq: 2, hash: newest?.hash },
    });
  });

  it('hashes what the database gives back', async () => {
    const after = { b: 1.5e300, a: [1e-7, -0, 1e21, 0.1], é: 'ü😀\n"\\', '10': null, '9': { z: true, y: {} } };
    await append([record({ after, created_at: '2026-01-31T12:00:00Z' })]);
    await append([{ ...record(), colour: 'red', ip: undefined } as unknown as AuditRecord]);
    expect(await verify()).toMatchObject({ is_intact: true, checked: 2 });
  });

  it('adds nothing when it is repeated, whole or in part', async () => {
    const entries = records(3);
    await append(entries);
    const appended = (await list()).data;
    await append([...entries.slice(1).map(({ id }) => record({ id, action: 'agent.forged' }))]);
    expect((await list()).data).toEqual(appended);
    const fresh = record();
    await append([entries[0] ?? fresh, fresh, fresh]);
    expect((await list()).data.map(({ id }) => id)).toEqual([fresh.id, ...appended.map(({ id }) => id)]);
  });

  it('makes one chain without a gap, however many append at once, and a chain of its own for each tenant', async () => {
    const other = await createTenant(source);
    const batches = Array.from({ length: 40 }, (_, index) => records(1 + (index % 3)));
    const repeated = [...batches, ...batches.slice(0, 10)];
    const others = Array.from({ length: 10 }, () => append([record()], other));
    await Promise.all([...repeated.map((batch) => append(batch)), ...others]);
    const total = batches.flat().length;
    expect(await verify()).toMatchObject({ is_intact: true, checked: total, head: { seq: total } });
    expect(await as(() => audit.verify({}), other)).toMatchObject({ is_intact: true, checked: 10 });
    const { rows } = await admin.query('select seq::int from audit_logs where tenant_id = $1 order by seq', [tenant]);
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
  });

  it('keeps no secret, and notes what is too large', async () => {
    const list = Array.from({ length: 5000 }, () => 'text');
    await append([
      record({ before: { api_key: 'sk-canary', url: 'https://u:sk-canary@h/?sk-canary' }, after: { list } }),
    ]);
    const { rows } = await admin.query('select before, after from audit_logs where tenant_id = $1', [tenant]);
    expect(rows).toEqual([{ before: { url: 'https://h/' }, after: { note: expect.stringMatching(/^Left out/) } }]);
    expect(await verify()).toMatchObject({ is_intact: true });
  });

  it('answers not_found for a tenant that is gone', async () => {
    await expect(append([record()], v7())).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each(['update audit_logs set action = action', 'delete from audit_logs'])(
    'is all that auth may do: %s',
    async (sql) => {
      await append(records(1));
      await expect(withTenantId(source, tenant, (tx) => tx.query(sql))).rejects.toMatchObject({ code: '42501' });
    },
  );
});

describe('verify', () => {
  /** Exchanges columns of two rows; their seqs are unique, so that one has to step aside. */
  const swapSeqs = `
    update audit_logs set seq = -1 where seq = 3 and tenant_id = $1;
    update audit_logs set seq = 3 where seq = 5 and tenant_id = $1;
    update audit_logs set seq = 5 where seq = -1 and tenant_id = $1`;
  const swapping = (columns: string) => `
    update audit_logs l set (${columns}) = (select ${columns} from audit_logs o where o.tenant_id = l.tenant_id and o.seq = 8 - l.seq)
    where l.tenant_id = $1 and l.seq in (3, 5)`;
  const set = (what: string, seq = 4) => `update audit_logs set ${what} where tenant_id = $1 and seq = ${seq}`;
  const remove = (seq: number) => `delete from audit_logs where tenant_id = $1 and seq = ${seq}`;
  const forge = (seq: number) => `
    insert into audit_logs (tenant_id, id, seq, actor_type, action, hash) values ($1, gen_random_uuid(), ${seq}, 'user', 'x.forged', 'x')`;

  it.each([
    ['an action edited', set(`action = 'agent.deleted'`), 4, 'edited'],
    ['an actor edited', set(`actor_id = 'bob'`), 4, 'edited'],
    ['an actor taken out', set('actor_id = null'), 4, 'edited'],
    ['a type of actor edited', set(`actor_type = 'service'`), 4, 'edited'],
    ['a target edited', set(`target_id = 'other'`), 4, 'edited'],
    ['a state edited', set(`after = '{"name": "Newer"}'`), 4, 'edited'],
    ['a state taken out', set('before = null'), 4, 'edited'],
    ['an address edited', set(`ip = '192.0.2.8'`), 4, 'edited'],
    ['a request edited', set(`request_id = 's'`), 4, 'edited'],
    ['a time edited by a microsecond', set(`created_at = created_at + interval '1 us'`), 4, 'edited'],
    ['an id edited', set('id = gen_random_uuid()'), 4, 'edited'],
    ['a hash edited', set(`hash = repeat('0', 64)`), 4, 'edited'],
    ['a link edited', set(`previous_hash = repeat('0', 64)`), 4, 'unlinked'],
    ['the first edited', set(`action = 'x.y'`, 1), 1, 'edited'],
    ['the last edited', set(`action = 'x.y'`, 7), 7, 'edited'],
    ['one deleted', remove(4), 4, 'missing'],
    ['the first deleted', remove(1), 1, 'missing'],
    ['the last deleted', remove(7), 7, 'missing'],
    ['all deleted', 'delete from audit_logs where tenant_id = $1', 1, 'missing'],
    ['two swapped by their seqs', swapSeqs, 3, 'unlinked'],
    ['two swapped by what they say', swapping('action, before, after, created_at'), 3, 'edited'],
    ['two swapped with their hashes', swapping('action, before, after, created_at, hash'), 3, 'edited'],
    ['two swapped whole', swapping('action, before, after, created_at, hash, previous_hash'), 3, 'unlinked'],
    ['one added at the end', forge(8), 8, 'unexpected'],
    ['one added before the first', forge(0), 0, 'unexpected'],
    [
      'the last deleted and the head set back',
      `${remove(7)}; update audit_heads set seq = 6 where tenant_id = $1`,
      6,
      'head_differs',
    ],
    ['the head deleted', 'delete from audit_heads where tenant_id = $1', 1, 'unexpected'],
    ['the hash in the head edited', `update audit_heads set hash = 'x' where tenant_id = $1`, 7, 'head_differs'],
  ])('names the first broken entry: %s', async (_, sql, seq, reason) => {
    for (let n = 1; n <= 7; n += 1) await append([record({ action: `agent.changed_${n}`, after: { n } })]);
    await append(records(2), await createTenant(source));
    for (const statement of sql.split(';')) await admin.query(statement, [tenant]);
    const { rows } = await admin.query('select id from audit_logs where tenant_id = $1 and seq = $2', [tenant, seq]);
    expect(await verify()).toMatchObject({
      is_intact: false,
      next_after: null,
      broken: { seq, id: rows[0]?.id ?? null, reason },
    });
  });

  it('goes on after an entry, from what that entry is', async () => {
    await append(records(5));
    expect(await verify(3)).toMatchObject({ is_intact: true, checked: 2, next_after: null });
    expect(await verify(5)).toMatchObject({ is_intact: true, checked: 0, next_after: null });
    await expect(verify(6)).rejects.toMatchObject({ code: 'validation_failed' });
    await admin.query(remove(3), [tenant]);
    expect(await verify(3)).toMatchObject({ broken: { seq: 3, id: null, reason: 'missing' } });
  });

  it('checks 50,000 entries a call, and says where the next one goes on', async () => {
    const chain = new AuditChain({ seq: 0, id: null, hash: null });
    const rows = Array.from({ length: 50_001 }, () => chain.seal({ ...record(), tenant_id: tenant }));
    const repository = new AuditRepository(source, RlsPool.of(source, { prepare: true }));
    const { seq, hash } = rows.at(-1) ?? { seq: 0, hash: '' };
    jest.spyOn(repository, 'ends').mockResolvedValue({ head: { seq, hash }, stray: undefined });
    jest.spyOn(repository, 'link').mockImplementation(async (at) => rows[at - 1]);
    jest.spyOn(repository, 'read').mockImplementation(async (after, upTo) => rows.slice(after, upTo));
    const verifier = new AuditVerifier(repository);
    expect(await verifier.verify(0)).toMatchObject({ is_intact: true, checked: 50_000, next_after: 50_000 });
    expect(await verifier.verify(50_000)).toMatchObject({ is_intact: true, checked: 1, next_after: null });
  });

  it('finds nothing wrong with an empty log', async () => {
    expect(await verify()).toEqual({ is_intact: true, checked: 0, next_after: null, broken: null, head: null });
  });
});

describe('list', () => {
  const ids = (page: { data: AuditLog[] }) => page.data.map(({ id }) => id);

  it('shows the newest first, by pages, while more is appended', async () => {
    const entries = records(5);
    await append(entries);
    const newest = entries.map(({ id }) => id).reverse();
    const first = await list({ limit: 2 });
    expect([ids(first), first.has_more]).toEqual([newest.slice(0, 2), true]);
    await append(records(1));
    const second = await list({ limit: 2, cursor: first.next_cursor ?? '' });
    const third = await list({ limit: 2, cursor: second.next_cursor ?? '' });
    expect([...ids(second), ...ids(third)]).toEqual(newest.slice(2));
    expect(third).toMatchObject({ has_more: false, next_cursor: null });
  });

  it('filters by actor, action, target and time, and by all of them', async () => {
    const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;
    const one = record({ actor_id: 'bob', action: 'role.created', created_at: day(1) });
    const two = record({ target_type: 'role', target_id: 'r1', created_at: day(2) });
    const three = record({ target_type: 'role', target_id: 'r2', action: 'role.created', created_at: day(3) });
    await append([one, two, three]);
    expect(ids(await list({ actor_id: 'bob' }))).toEqual([one.id]);
    expect(ids(await list({ action: 'role.created' }))).toEqual([three.id, one.id]);
    expect(ids(await list({ target_type: 'role' }))).toEqual([three.id, two.id]);
    expect(ids(await list({ target_id: 'r1' }))).toEqual([two.id]);
    expect(ids(await list({ from: day(2), to: day(3) }))).toEqual([two.id]);
    expect(ids(await list({ from: '2026-01-02T01:00:00+01:00' }))).toEqual([three.id, two.id]);
    const all = {
      actor_id: 'ada',
      action: 'role.created',
      target_type: 'role',
      target_id: 'r2',
      from: day(3),
      to: day(4),
    };
    expect(ids(await list(all))).toEqual([three.id]);
    expect(ids(await list({ actor_id: `' or true --` }))).toEqual([]);
  });

  it.each([
    [{ from: '2026-W01-1' }, 'validation_failed'],
    [{ cursor: 'x' }, 'invalid_cursor'],
    [{ cursor: 'WyJhIl0' }, 'invalid_cursor'],
  ])('refuses %j', async (query, code) => {
    await expect(list(query)).rejects.toMatchObject({ code });
  });

  it('ends a page before its answer is too large to be sent', async () => {
    const after = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [n, 'x'.repeat(4000)]));
    for (let n = 0; n < 100; n += 1) await append([record({ before: after, after })]);
    const page = await list({ limit: 100 });
    expect(page.data.length).toBeLessThan(60);
    expect(page.has_more).toBe(true);
    const next = await list({ limit: 100, cursor: page.next_cursor ?? '' });
    expect(next.data[0]?.seq).toBe(100 - page.data.length);
  });

  it("shows nothing of another tenant's log", async () => {
    await append(records(2), await createTenant(source));
    expect((await list()).data).toEqual([]);
  });
});

describe('denied', () => {
  const denied = (more = {}) => ({
    id: v7(),
    tenant_id: tenant,
    actor_type: 'api_key' as const,
    actor_id: 'key',
    route: 'POST /v1/providers',
    access: 'providers:create',
    count: 7,
    minute: '2026-01-31T12:00:00.000Z',
    ...more,
  });
  const outbox = async (tenant_id: string) =>
    (await admin.query('select id, type, payload from outbox where tenant_id = $1 order by id', [tenant_id])).rows;

  it('leaves for each tenant’s log as the entries of any change do, once', async () => {
    const other = await createTenant(source);
    const [one, two] = [denied(), denied({ tenant_id: other })];
    const report = () => as(() => audit.denied({ entries: [one, two] }), v7());
    await report();
    await report();
    expect(await outbox(tenant)).toMatchObject([{ id: one.id, type: 'audit.recorded', payload: { id: one.id } }]);
    expect(await outbox(other)).toHaveLength(1);
    const [{ payload }] = await outbox(tenant);
    expect(payload.data).toEqual({
      actor_type: 'api_key',
      actor_id: 'key',
      action: 'access.denied',
      target_type: 'route',
      target_id: 'POST /v1/providers',
      before: null,
      after: { route: 'POST /v1/providers', access: 'providers:create', count: 7, minute: '2026-01-31T12:00:00.000Z' },
      request_id: null,
      ip: null,
    });
  });
});
