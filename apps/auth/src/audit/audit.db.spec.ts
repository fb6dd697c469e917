import type { AuditLog, AuditRecord } from '@taai/contracts';
import { withTenantId } from '@taai/entities';
import { v7 } from 'uuid';
import { recompute } from './audit-documentation.testing';
import { openAuditLog, record, records, type AuditLogUnderTest } from './audit.testing';

let log: AuditLogUnderTest;
let tenant: string;

beforeAll(async () => {
  log = await openAuditLog();
});
afterAll(() => log.close());
beforeEach(async () => {
  tenant = await log.createTenant();
});

describe('append', () => {
  it('numbers entries from 1, links them, and keeps what they say', async () => {
    const [first, second] = [record(), record({ before: null, after: null, actor_type: 'service' })];
    await log.append(tenant, [first]);
    await log.append(tenant, [second]);
    const [newest, oldest] = (await log.list(tenant)).data;
    const micros = ({ created_at }: AuditRecord) => created_at.replace('Z', '000Z');
    expect(oldest).toMatchObject({
      ...first,
      created_at: micros(first),
      tenant_id: tenant,
      seq: 1,
      previous_hash: null,
    });
    expect(newest).toMatchObject({ ...second, created_at: micros(second), tenant_id: tenant, seq: 2 });
    expect(newest?.previous_hash).toBe(oldest?.hash);
    expect(await log.verify(tenant)).toEqual({
      is_intact: true,
      checked: 2,
      next_after: null,
      broken: null,
      head: { seq: 2, hash: newest?.hash },
    });
  });

  it('hashes what the database gives back', async () => {
    const after = { b: 1.5e300, a: [1e-7, -0, 1e21, 0.1], é: 'ü😀\n"\\', '10': null, '9': { z: true, y: {} } };
    await log.append(tenant, [record({ after, created_at: '2026-01-31T12:00:00Z' })]);
    await log.append(tenant, [{ ...record(), colour: 'red', ip: undefined } as unknown as AuditRecord]);
    expect(await log.verify(tenant)).toMatchObject({ is_intact: true, checked: 2 });
  });

  it('adds nothing when it is repeated, whole or in part', async () => {
    const entries = records(3);
    await log.append(tenant, entries);
    const appended = (await log.list(tenant)).data;
    await log.append(tenant, [...entries.slice(1).map(({ id }) => record({ id, action: 'agent.forged' }))]);
    expect((await log.list(tenant)).data).toEqual(appended);
    const fresh = record();
    await log.append(tenant, [entries[0] ?? fresh, fresh, fresh]);
    expect((await log.list(tenant)).data.map(({ id }) => id)).toEqual([fresh.id, ...appended.map(({ id }) => id)]);
  });

  it('makes one chain without a gap, however many append at once, and a chain of its own for each tenant', async () => {
    const other = await log.createTenant();
    const batches = Array.from({ length: 40 }, (_, index) => records(1 + (index % 3)));
    const repeated = [...batches, ...batches.slice(0, 10)];
    const others = Array.from({ length: 10 }, () => log.append(other, [record()]));
    await Promise.all([...repeated.map((batch) => log.append(tenant, batch)), ...others]);
    const total = batches.flat().length;
    expect(await log.verify(tenant)).toMatchObject({ is_intact: true, checked: total, head: { seq: total } });
    expect(await log.verify(other)).toMatchObject({ is_intact: true, checked: 10 });
    const { rows } = await log.admin.query('select seq::int from audit_logs where tenant_id = $1 order by seq', [
      tenant,
    ]);
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
  });

  it('keeps no secret, and notes what is too large', async () => {
    const list = Array.from({ length: 5000 }, () => 'text');
    await log.append(tenant, [
      record({ before: { api_key: 'sk-canary', url: 'https://u:sk-canary@h/?sk-canary' }, after: { list } }),
    ]);
    const { rows } = await log.admin.query('select before, after from audit_logs where tenant_id = $1', [tenant]);
    expect(rows).toEqual([{ before: { url: 'https://h/' }, after: { note: expect.stringMatching(/^Left out/) } }]);
    expect(await log.verify(tenant)).toMatchObject({ is_intact: true });
  });

  it('answers not_found for a tenant that is gone', async () => {
    await expect(log.append(v7(), [record()])).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each(['update audit_logs set action = action', 'delete from audit_logs'])(
    'can be followed by nothing that changes an entry: %s',
    async (sql) => {
      await log.append(tenant, records(1));
      await expect(withTenantId(log.source, tenant, (tx) => tx.query(sql))).rejects.toMatchObject({ code: '42501' });
    },
  );
});

describe('list', () => {
  const ids = (page: { data: AuditLog[] }) => page.data.map(({ id }) => id);

  it('shows the newest first, by pages, while more is appended', async () => {
    const entries = records(5);
    await log.append(tenant, entries);
    const newest = entries.map(({ id }) => id).reverse();
    const first = await log.list(tenant, { limit: 2 });
    expect([ids(first), first.has_more]).toEqual([newest.slice(0, 2), true]);
    await log.append(tenant, records(1));
    const second = await log.list(tenant, { limit: 2, cursor: first.next_cursor ?? '' });
    const third = await log.list(tenant, { limit: 2, cursor: second.next_cursor ?? '' });
    expect([...ids(second), ...ids(third)]).toEqual(newest.slice(2));
    expect(third).toMatchObject({ has_more: false, next_cursor: null });
  });

  it('filters by actor, action, target and time, and by all of them', async () => {
    const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;
    const one = record({ actor_id: 'bob', action: 'role.created', created_at: day(1) });
    const two = record({ target_type: 'role', target_id: 'r1', created_at: day(2) });
    const three = record({ target_type: 'role', target_id: 'r2', action: 'role.created', created_at: day(3) });
    await log.append(tenant, [one, two, three]);
    expect(ids(await log.list(tenant, { actor_id: 'bob' }))).toEqual([one.id]);
    expect(ids(await log.list(tenant, { action: 'role.created' }))).toEqual([three.id, one.id]);
    expect(ids(await log.list(tenant, { target_type: 'role' }))).toEqual([three.id, two.id]);
    expect(ids(await log.list(tenant, { target_id: 'r1' }))).toEqual([two.id]);
    expect(ids(await log.list(tenant, { from: day(2), to: day(3) }))).toEqual([two.id]);
    expect(ids(await log.list(tenant, { from: '2026-01-02T01:00:00+01:00' }))).toEqual([three.id, two.id]);
    const all = {
      actor_id: 'ada',
      action: 'role.created',
      target_type: 'role',
      target_id: 'r2',
      from: day(3),
      to: day(4),
    };
    expect(ids(await log.list(tenant, all))).toEqual([three.id]);
    expect(ids(await log.list(tenant, { actor_id: `' or true --` }))).toEqual([]);
  });

  it.each([
    [{ from: '2026-W01-1' }, 'validation_failed'],
    [{ cursor: 'x' }, 'invalid_cursor'],
    [{ cursor: 'WyJhIl0' }, 'invalid_cursor'],
  ])('refuses %j', async (query, code) => {
    await expect(log.list(tenant, query)).rejects.toMatchObject({ code });
  });

  it('ends a page before its answer is too large to be sent', async () => {
    const after = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [n, 'x'.repeat(4000)]));
    for (let n = 0; n < 100; n += 1) await log.append(tenant, [record({ before: after, after })]);
    const page = await log.list(tenant, { limit: 100 });
    expect(page.data.length).toBeLessThan(60);
    expect(page.has_more).toBe(true);
    const next = await log.list(tenant, { limit: 100, cursor: page.next_cursor ?? '' });
    expect(next.data[0]?.seq).toBe(100 - page.data.length);
  });

  it('shows all that is needed to compute the chain anew by its documentation', async () => {
    const after = { b: 1.5e300, a: [1e-7, -0, 1e21, 0.1], é: 'ü😀\n"\\', '10': null, '9': { z: true, y: {} } };
    await log.append(tenant, [...records(3), record({ after, before: null, ip: null })]);
    const { data } = await log.list(tenant);
    expect(recompute(data)).toEqual((await log.verify(tenant)).head);

    await log.admin.query(`update audit_logs set created_at = created_at + '1 microsecond' where tenant_id = $1`, [
      tenant,
    ]);
    expect(recompute((await log.list(tenant)).data)).toBe('Entry 1 is not as it was written.');
  });

  it("shows nothing of another tenant's log", async () => {
    await log.append(await log.createTenant(), records(2));
    expect((await log.list(tenant)).data).toEqual([]);
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
    (await log.admin.query('select id, type, payload from outbox where tenant_id = $1 order by id', [tenant_id])).rows;

  it('leaves for each tenant’s log as the entries of any change do, once', async () => {
    const other = await log.createTenant();
    const [one, two] = [denied(), denied({ tenant_id: other })];
    const report = () => log.denied([one, two]);
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
