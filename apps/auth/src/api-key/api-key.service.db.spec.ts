import { hashOfApiKey } from '@taai/platform';
import { v7 } from 'uuid';
import { ApiKeyHandler } from './api-key.handler';
import { codes, openIdentity, problem, type Identity, type Person } from '../identity.testing';

let identity: Identity;
let admin: Person;

beforeAll(async () => {
  identity = await openIdentity();
});
beforeEach(async () => {
  admin = await identity.newUser();
});
afterAll(() => identity.close());

const create = (more: { scopes?: string[]; expires_at?: string } = {}, person = admin) =>
  person.as(() => identity.apiKeys.create({ name: 'CI', scopes: ['tasks:read'], ...more }));

describe('API keys', () => {
  it('are shown once and stored as a hash, by which they are found', async () => {
    const { key, ...shown } = await create({ expires_at: '2999-01-01T00:00:00+01:00' });
    expect(shown).toEqual({
      id: expect.any(String),
      name: 'CI',
      prefix: key.slice(0, 14),
      scopes: ['tasks:read'],
      created_by: admin.id,
      created_at: expect.any(Date),
      expires_at: '2998-12-31T23:00:00.000Z',
      last_used_at: null,
    });
    const { data } = await admin.as(() => identity.apiKeys.list({ limit: 20 }));
    expect(data).toEqual([{ ...shown, expires_at: new Date('2998-12-31T23:00:00Z') }]);
    expect(await identity.query('select * from find_api_key($1)', hashOfApiKey(key))).toEqual([
      { tenant_id: admin.tenant_id, id: shown.id },
    ]);
    for (const table of ['api_keys', 'outbox', 'idempotency_keys', 'access_changes']) {
      expect(JSON.stringify(await identity.query(`select * from ${table}`))).not.toContain(key);
    }
  });

  it('are audited without key or hash', async () => {
    const { id, key, prefix } = await create();
    await admin.as(() => identity.apiKeys.remove(id));
    const entries = await identity.audited(admin);
    expect(entries).toMatchObject([
      { action: 'api_key.created', target_type: 'api_key', target_id: id, after: { prefix, scopes: ['tasks:read'] } },
      { action: 'api_key.revoked', target_type: 'api_key', target_id: id, before: { prefix } },
    ]);
    expect(JSON.stringify(entries)).not.toContain(hashOfApiKey(key));
  });

  it('are listed newest first, page by page, until they are revoked', async () => {
    const ids = [await create(), await create(), await create()].map(({ id }) => id);
    const first = await admin.as(() => identity.apiKeys.list({ limit: 2 }));
    const rest = await admin.as(() => identity.apiKeys.list({ limit: 2, cursor: first.next_cursor ?? '' }));
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual([...ids].reverse());
    const [id = ''] = ids;
    await admin.as(() => identity.apiKeys.remove(id));
    expect((await admin.as(() => identity.apiKeys.list({ limit: 20 }))).data.map((one) => one.id)).not.toContain(id);
    expect(await identity.accessChanges(admin)).toEqual([{ kind: 'api_key', id }]);
    await expect(admin.as(() => identity.apiKeys.remove(id))).rejects.toEqual(problem('not_found'));
  });

  it('are created once per Idempotency-Key; the repetition cannot show the key, and says so', async () => {
    const handler = new ApiKeyHandler(identity.apiKeys);
    const again = (name: string) => admin.as(() => handler.create({ name, scopes: ['*:*'] }), 'key');
    const { id, key } = await again('CI');
    await expect(again('CI')).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(id) });
    await expect(again('other')).rejects.toEqual(problem('idempotency_mismatch'));
    expect((await admin.as(() => identity.apiKeys.list({ limit: 20 }))).data).toHaveLength(1);
    expect(JSON.stringify(await identity.query('select * from idempotency_keys'))).not.toContain(key);
  });

  it('grant nothing that no route asks for', async () => {
    await expect(create({ scopes: ['tasks:read', 'tasks:fly', 'x'] })).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'scopes.1' }, { path: 'scopes.2' }] },
    });
  });

  it.each([
    [['*:*'], ['*:*'], true],
    [['*:*'], ['tasks:*', '*:read'], true],
    [['tasks:*'], ['tasks:read'], true],
    [['tasks:read'], ['tasks:*'], false],
    [['tasks:read'], ['tasks:read', 'tasks:create'], false],
    [['*:read'], ['audit_logs:read', '*:*'], false],
    [['*:read', 'api_keys:create'], ['*:read'], true],
    [[], ['tasks:read'], false],
  ])('of who may do %j hold %j: %s', async (own, wanted, isAllowed) => {
    const scopes = wanted.filter((scope) => scope !== 'audit_logs:read');
    const created = create({ scopes }, admin.may(...own));
    if (isAllowed) await expect(created).resolves.toMatchObject({ scopes });
    else await expect(created).rejects.toEqual(problem('forbidden'));
  });

  it.each([
    ['somebody’s that may do more', ['*:*'], ['api_keys:delete'], 'forbidden'],
    ['somebody’s that may do something else', ['tasks:read'], ['api_keys:*'], 'forbidden'],
    ['somebody’s whose scopes they have', ['tasks:read'], ['api_keys:delete', 'tasks:*'], 'ok'],
  ])('are revoked by who could have made them: %s', async (_, scopes, own, outcome) => {
    const { id } = await create({ scopes });
    const caller = (await identity.newUser({ tenant_id: admin.tenant_id })).may(...own);
    const removed = caller.as(() => identity.apiKeys.remove(id)).then(() => 'ok');
    if (outcome === 'ok') await expect(removed).resolves.toBe('ok');
    else await expect(removed).rejects.toEqual(problem(outcome));
    expect((await admin.as(() => identity.apiKeys.list({ limit: 20 }))).data).toHaveLength(outcome === 'ok' ? 0 : 1);
  });

  it('are revoked by their maker, whatever they may do, and by themselves, but not by a weaker key of the same maker', async () => {
    const [strong, weak] = [await create({ scopes: ['*:*'] }), await create({ scopes: ['api_keys:delete'] })];
    const withKey = admin.may('api_keys:delete').by(weak.id);
    await expect(withKey.as(() => identity.apiKeys.remove(strong.id))).rejects.toEqual(problem('forbidden'));
    await withKey.as(() => identity.apiKeys.remove(weak.id));
    await admin.may('api_keys:delete').as(() => identity.apiKeys.remove(strong.id));
    expect((await admin.as(() => identity.apiKeys.list({ limit: 20 }))).data).toEqual([]);
  });

  it.each([
    ['the past', '2020-01-01T00:00:00Z'],
    ['now', new Date().toISOString()],
    ['no year of ours', '0000-01-01'],
    ['a time without its offset', '2999-01-01T00:00:00'],
  ])('do not expire in %s', async (_, expires_at) => {
    await expect(create({ expires_at })).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'expires_at' }] },
    });
  });

  it('stand for a user who is still there', async () => {
    const gone = await identity.newUser({ tenant_id: admin.tenant_id });
    await admin.as(() => identity.users.update({ id: gone.id, is_active: false }));
    await expect(create({}, gone)).rejects.toEqual(problem('unauthenticated'));
    await admin.as(() => identity.users.remove(gone.id));
    await expect(create({}, gone)).rejects.toEqual(problem('unauthenticated'));
  });

  it('are at most 100 living ones, even when many are created at once; expired and revoked ones do not count', async () => {
    const add = (count: number, expires_at: string | null, revoked_at: string | null) =>
      identity.query(
        `insert into api_keys (tenant_id, id, name, prefix, key_hash, scopes, created_by, expires_at, revoked_at)
         select $1, gen_random_uuid(), 'k', 'p', gen_random_uuid()::text, '{}', $2, $3, $4 from generate_series(1, $5)`,
        admin.tenant_id,
        admin.id,
        expires_at,
        revoked_at,
        count,
      );
    const past = '2020-01-01T00:00:00Z';
    await add(98, null, null);
    await add(5, past, null);
    await add(5, null, past);
    const results = await identity.race(
      admin,
      [1, 2, 3, 4].map(() => () => create()),
    );
    expect(codes(results).sort()).toEqual(['conflict', 'conflict', undefined, undefined]);
  });

  it("of another tenant are as those that don't exist", async () => {
    const other = await identity.newUser();
    const foreign = await create({}, other);
    for (const id of [foreign.id, v7()]) {
      await expect(admin.as(() => identity.apiKeys.remove(id))).rejects.toMatchObject({
        code: 'not_found',
        message: 'There is no such API key.',
      });
    }
    expect((await admin.as(() => identity.apiKeys.list({ limit: 20 }))).data).toEqual([]);
    expect((await other.as(() => identity.apiKeys.list({ limit: 20 }))).data).toHaveLength(1);
  });
});
