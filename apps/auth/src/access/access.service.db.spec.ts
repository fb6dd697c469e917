import {
  accessChanged,
  ApiKeyEntity,
  openDataSource,
  RlsPool,
  RoleEntity,
  SessionEntity,
  TenantEntity,
  UserEntity,
  withTenantId,
  type Tx,
} from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { sha256 } from '@taai/platform';
import { makeJwk } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AccessRepository } from './access.repository';
import { AccessService } from './access.service';
import { AccessTokens } from './access-token';

let database: TestDatabase;
let source: DataSource;
let access: AccessService;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await openDataSource({ url: database.urls.auth, pool: 4 });
  const repository = new AccessRepository(source, new RlsPool(source, { prepare: true }));
  access = new AccessService(repository, new AccessTokens([makeJwk('k2'), makeJwk('k1')]));
});
afterAll(async () => {
  await source.destroy();
  await database.drop();
});

const later = () => new Date(Date.now() + 60_000);

interface Person {
  tenant_id: string;
  user_id: string;
  session_id: string;
  key_hash: string;
  key_id: string;
  change: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
}

/** A user with a session and an API key. */
async function newPerson(role: string, scopes: string[] = ['*:*']): Promise<Person> {
  const tenant_id = await createTenant(database);
  const [user_id, session_id, key_id] = [v7(), v7(), v7()];
  const key_hash = sha256(v7());
  const change = <T>(work: (tx: Tx) => Promise<T>) => withTenantId(source, tenant_id, work);
  await change(async (tx) => {
    await tx.insert(UserEntity, { tenant_id, id: user_id, email: `${user_id}@example.com`, role });
    await tx.insert(SessionEntity, { tenant_id, id: session_id, user_id, expires_at: later() });
    const key = { tenant_id, id: key_id, name: 'k', prefix: 'taai_live_', key_hash, scopes, created_by: user_id };
    await tx.insert(ApiKeyEntity, key);
  });
  return { tenant_id, user_id, session_id, key_hash, key_id, change };
}

const code = (call: Promise<unknown>) =>
  call.then(
    () => 'admitted',
    (error: { code?: string }) => error.code,
  );

const both = ({ tenant_id, session_id, key_hash }: Person) =>
  Promise.all([code(access.session({ tenant_id, session_id })), code(access.apiKey({ key_hash }))]);

describe('a session', () => {
  it('stands for its user, in their role', async () => {
    const { tenant_id, user_id, session_id } = await newPerson('member');
    expect(await access.session({ tenant_id, session_id })).toEqual({
      tenant_id,
      user_id,
      session_id,
      api_key_id: null,
      role: 'member',
      permissions: expect.arrayContaining(['tasks:create', 'agents:read']),
      expires_at: expect.any(Date),
      limits: expect.objectContaining({ requests_per_minute: null, tokens_per_minute: null }),
    });
  });

  it('is held to what the plan allows, or to what operators allow instead', async () => {
    const person = await newPerson('member');
    const limits = async () => (await access.session(person)).limits;
    const subscribe = `insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $1, 'free', now())`;
    await database.admin(subscribe, [person.tenant_id]);
    expect(await limits()).toMatchObject({ requests_per_minute: 100, requests_per_minute_per_user: 50 });
    const override = { requests_per_minute: 7, endpoints: { 'GET /v1/tasks': null } };
    await database.admin('update subscriptions set limits = $2 where tenant_id = $1', [person.tenant_id, override]);
    expect(await limits()).toMatchObject({ ...override, requests_per_minute_per_user: 50 });
    expect((await access.apiKey(person)).limits).toEqual(await limits());
    await database.admin(`update subscriptions set status = 'ended' where tenant_id = $1`, [person.tenant_id]);
    expect(await limits()).toMatchObject({ requests_per_minute: null });
  });

  it('has what a role of the tenant allows, and nothing by the same name of another tenant', async () => {
    const [own, other] = [await newPerson('auditor'), await newPerson('auditor')];
    const role = { tenant_id: own.tenant_id, id: v7(), name: 'auditor', permissions: ['audit_logs:read'] };
    await own.change((tx) => tx.insert(RoleEntity, role));
    expect((await access.session(own)).permissions).toEqual(['audit_logs:read']);
    expect((await access.session(other)).permissions).toEqual([]);
  });

  it('is another tenant’s to nobody', async () => {
    const [own, other] = [await newPerson('admin'), await newPerson('admin')];
    const { session_id } = own;
    expect(await code(access.session({ tenant_id: other.tenant_id, session_id }))).toBe('unauthenticated');
  });
});

describe('an API key', () => {
  it('may do what it was made for, as far as its creator may now', async () => {
    const person = await newPerson('member', ['tasks:*', 'agents:delete', '*:read']);
    const { key_hash, key_id, user_id, change } = person;
    const principal = await access.apiKey({ key_hash });
    expect(principal).toMatchObject({ user_id, api_key_id: key_id, session_id: null });
    expect(principal.permissions.toSorted()).toEqual([
      'agents:read',
      'conversations:read',
      'files:read',
      'jobs:read',
      'providers:read',
      'roles:read',
      'runs:read',
      'tasks:create',
      'tasks:read',
      'tasks:update',
      'tenant:read',
      'tools:read',
      'usage:read',
      'users:read',
      'webhooks:read',
    ]);
    await change((tx) => tx.update(UserEntity, { id: user_id }, { role: 'nothing' }));
    expect((await access.apiKey({ key_hash })).permissions).toEqual([]);
  });

  it('remembers when it was last used, to the minute', async () => {
    const { key_hash, key_id, change } = await newPerson('admin');
    const used = () => change((tx) => tx.findOneByOrFail(ApiKeyEntity, { id: key_id }));
    await access.apiKey({ key_hash });
    const first = (await used()).last_used_at;
    expect(first).toBeInstanceOf(Date);
    await access.apiKey({ key_hash });
    expect((await used()).last_used_at).toEqual(first);
    await change((tx) => tx.update(ApiKeyEntity, { id: key_id }, { last_used_at: new Date(0) }));
    await access.apiKey({ key_hash });
    expect((await used()).last_used_at?.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it('unknown', async () => {
    expect(await code(access.apiKey({ key_hash: sha256('nobody') }))).toBe('unauthenticated');
  });
});

describe('a user whose work outlives their request', () => {
  const now = ({ tenant_id, user_id, key_id }: Person, by: 'session' | 'key' = 'session') =>
    runAs({ tenant_id, permissions: [], issuer: 'orchestrator' }, () =>
      access.user({ user_id, api_key_id: by === 'key' ? key_id : null }),
    );

  it('may do what their role allows now', async () => {
    const person = await newPerson('member', ['tasks:read']);
    const { tenant_id, user_id, change } = person;
    expect(await now(person)).toEqual({
      tenant_id,
      user_id,
      session_id: null,
      api_key_id: null,
      role: 'member',
      expires_at: null,
      permissions: expect.arrayContaining(['tasks:create', 'agents:read']),
      limits: expect.objectContaining({ tokens_per_minute: null }),
    });
    await change((tx) => tx.update(UserEntity, { id: user_id }, { role: 'viewer' }));
    expect((await now(person)).permissions).not.toContain('tasks:create');
  });

  it('may do no more than the key they came with', async () => {
    const person = await newPerson('member', ['tasks:read', 'users:delete']);
    expect(await now(person, 'key')).toMatchObject({ api_key_id: person.key_id, permissions: ['tasks:read'] });
  });

  it('is nobody with a key that is not theirs, or in another tenant', async () => {
    const [own, other] = [await newPerson('admin'), await newPerson('admin')];
    const { tenant_id, user_id } = own;
    expect(await code(now({ ...own, key_id: other.key_id }, 'key'))).toBe('unauthenticated');
    expect(await code(now({ ...own, tenant_id: other.tenant_id }))).toBe('unauthenticated');
    expect(await code(now({ ...own, user_id: v7() }))).toBe('unauthenticated');
    const colleague = { ...own, user_id: v7() };
    await own.change((tx) =>
      tx.insert(UserEntity, { tenant_id, id: colleague.user_id, email: `${user_id}@b.example`, role: 'admin' }),
    );
    expect(await code(now(colleague, 'key'))).toBe('unauthenticated');
  });

  const past = () => new Date(Date.now() - 1000);
  const endings: [string, (tx: Tx, person: Person) => Promise<unknown>, [string, string]][] = [
    [
      'never with their session',
      (tx, { session_id: id }) => tx.delete(SessionEntity, { id }),
      ['admitted', 'admitted'],
    ],
    [
      'with a revoked key',
      (tx, { key_id: id }) => tx.update(ApiKeyEntity, { id }, { revoked_at: past() }),
      ['admitted', 'unauthenticated'],
    ],
    [
      'with an expired key',
      (tx, { key_id: id }) => tx.update(ApiKeyEntity, { id }, { expires_at: past() }),
      ['admitted', 'unauthenticated'],
    ],
    [
      'with the user',
      (tx, { user_id: id }) => tx.update(UserEntity, { id }, { is_active: false }),
      ['unauthenticated', 'unauthenticated'],
    ],
    [
      'with the tenant',
      (tx, { tenant_id: id }) => tx.update(TenantEntity, { id }, { status: 'suspended' }),
      ['tenant_suspended', 'tenant_suspended'],
    ],
  ];

  it.each(endings)('ends %s', async (_, end, expected) => {
    const person = await newPerson('admin');
    await person.change((tx) => end(tx, person));
    expect([await code(now(person)), await code(now(person, 'key'))]).toEqual(expected);
  });
});

describe('access ends', () => {
  const past = () => new Date(Date.now() - 1000);
  const endings: [string, (tx: Tx, person: Person) => Promise<unknown>, [string, string]][] = [
    ['never by itself', async () => undefined, ['admitted', 'admitted']],
    [
      'with a revoked session',
      (tx, { session_id: id }) => tx.update(SessionEntity, { id }, { revoked_at: past() }),
      ['unauthenticated', 'admitted'],
    ],
    [
      'with an expired session',
      (tx, { session_id: id }) => tx.update(SessionEntity, { id }, { expires_at: past() }),
      ['unauthenticated', 'admitted'],
    ],
    [
      'with a revoked key',
      (tx, { key_id: id }) => tx.update(ApiKeyEntity, { id }, { revoked_at: past() }),
      ['admitted', 'unauthenticated'],
    ],
    [
      'with an expired key',
      (tx, { key_id: id }) => tx.update(ApiKeyEntity, { id }, { expires_at: past() }),
      ['admitted', 'unauthenticated'],
    ],
    [
      'with a deactivated user',
      (tx, { user_id: id }) => tx.update(UserEntity, { id }, { is_active: false }),
      ['unauthenticated', 'unauthenticated'],
    ],
    [
      'with a removed user',
      (tx, { user_id: id }) => tx.delete(UserEntity, { id }),
      ['unauthenticated', 'unauthenticated'],
    ],
    [
      'with a suspended tenant',
      (tx, { tenant_id: id }) => tx.update(TenantEntity, { id }, { status: 'suspended' }),
      ['tenant_suspended', 'tenant_suspended'],
    ],
    [
      'with a tenant that is being deleted',
      (tx, { tenant_id: id }) => tx.update(TenantEntity, { id }, { status: 'deleting' }),
      ['tenant_suspended', 'tenant_suspended'],
    ],
  ];

  it.each(endings)('%s', async (_, end, expected) => {
    const person = await newPerson('admin');
    await person.change((tx) => end(tx, person));
    expect(await both(person)).toEqual(expected);
  });
});

it('tells what changed lately, in all tenants, each once, with the keys of access tokens', async () => {
  const [one, other] = [await newPerson('admin'), await newPerson('admin')];
  await one.change((tx) => accessChanged(tx, 'session', one.session_id));
  await one.change((tx) => accessChanged(tx, 'session', one.session_id));
  await other.change((tx) => accessChanged(tx, 'user', other.user_id));
  const { changes, is_cut, key_ids } = await access.changes({ seconds: 10 });
  expect(changes.filter(({ id }) => id === one.session_id)).toEqual([{ kind: 'session', id: one.session_id }]);
  expect(changes).toContainEqual({ kind: 'user', id: other.user_id });
  expect({ is_cut, key_ids }).toEqual({ is_cut: false, key_ids: ['k2', 'k1'] });
});
