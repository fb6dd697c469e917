import { randomUUID } from 'node:crypto';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenant, type TestTenant } from './support/tenant';

const { anonymous, mailTo } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;
const password = 'correct horse battery staple';
const newEmail = () => `${randomUUID()}@example.com`;

describe('users', () => {
  let tenant: TestTenant;

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
  });

  /** Invites, accepts and logs in. */
  async function newUser(role: string) {
    const email = newEmail();
    const { body } = await tenant.client.post('/v1/users', { email, role });
    await anonymous.post('/v1/auth/invites/accept', { token: (await mailTo(email)).token, password });
    const login = await anonymous.post('/v1/auth/login', { email, password });
    return {
      id: String(body['id']),
      path: `/v1/users/${body['id']}`,
      client: anonymous.withToken(login.body['access_token']),
    };
  }

  it('are invited, accept, log in, change role and are removed', async () => {
    const email = newEmail();
    const invited = await tenant.client.post('/v1/users', { email, name: 'Ada', role: 'viewer' });
    expect(invited).toMatchObject({
      status: 201,
      body: { email, name: 'Ada', role: 'viewer', status: 'invited', is_active: true, last_login_at: null },
    });
    const path = `/v1/users/${invited.body['id']}`;
    expect(await tenant.client.post('/v1/users', { email, role: 'viewer' })).toMatchObject({
      status: 409,
      body: { code: 'email_taken' },
    });
    expect((await anonymous.post('/v1/auth/login', { email, password })).status).toBe(401);

    const replaced = (await mailTo(email)).token;
    expect(await tenant.client.post(`${path}/invite`)).toMatchObject({ status: 200, body: { status: 'invited' } });
    const accept = (token: string) => anonymous.post('/v1/auth/invites/accept', { token, password });
    expect(await accept(replaced)).toMatchObject({ status: 400, body: { code: 'invalid_token' } });
    const { token } = await mailTo(email);
    expect(await accept(token)).toMatchObject({
      status: 200,
      body: { user: { id: invited.body['id'], status: 'active' }, tenant: { id: tenant.tenant_id } },
    });
    expect(await accept(token)).toMatchObject({ status: 400, body: { code: 'invalid_token' } });
    expect((await tenant.client.post(`${path}/invite`)).status).toBe(409);

    const login = await anonymous.post('/v1/auth/login', { email, password });
    const user = anonymous.withToken(login.body['access_token']);
    expect((await user.post('/v1/tasks', { title: 'May I?' })).status).toBe(403);
    expect((await user.get('/v1/users')).body['data']).toHaveLength(2);

    expect(await tenant.client.patch(path, { role: 'member' })).toMatchObject({
      status: 200,
      body: { role: 'member' },
    });
    await eventually(async () => expect((await user.post('/v1/tasks', { title: 'May I?' })).status).toBe(201), SECONDS);

    expect((await tenant.client.delete(path)).status).toBe(204);
    await eventually(async () => expect((await user.get('/v1/tasks')).status).toBe(401), SECONDS);
    expect((await tenant.client.get(path)).status).toBe(404);
    expect((await anonymous.post('/v1/auth/login', { email, password })).status).toBe(401);
  });

  it('are locked out when they are deactivated, and log in anew when they are back', async () => {
    const { path, client } = await newUser('member');
    await tenant.client.patch(path, { is_active: false });
    await eventually(async () => expect((await client.get('/v1/auth/me')).status).toBe(401), SECONDS);
    expect((await tenant.client.patch(path, { is_active: true })).body).toMatchObject({ status: 'active' });
    expect((await client.get('/v1/auth/me')).status).toBe(401);
  });

  it('cannot be without an admin', async () => {
    const path = `/v1/users/${tenant.user_id}`;
    const refused = { status: 409, body: { code: 'last_admin' } };
    expect(await tenant.client.patch(path, { role: 'member' })).toMatchObject(refused);
    expect(await tenant.client.patch(path, { is_active: false })).toMatchObject(refused);
    expect(await tenant.client.delete(path)).toMatchObject(refused);
  });

  it('have roles of the tenant’s own, which never grant more than their maker has', async () => {
    const permissions = ['users:*', 'roles:*', 'tasks:read'];
    const role = await tenant.client.post('/v1/roles', { name: 'people', permissions });
    expect(role).toMatchObject({ status: 201, body: { name: 'people', permissions, is_builtin: false } });
    const { client, path } = await newUser('people');
    expect((await client.get('/v1/tasks')).status).toBe(200);
    const forbidden = { status: 403, body: { code: 'forbidden' } };
    expect(await client.post('/v1/users', { email: newEmail(), role: 'admin' })).toMatchObject(forbidden);
    expect(await client.patch(path, { role: 'admin' })).toMatchObject(forbidden);
    expect(await client.delete(`/v1/users/${tenant.user_id}`)).toMatchObject(forbidden);
    expect(await client.post('/v1/roles', { name: 'more', permissions: ['*:read'] })).toMatchObject(forbidden);
    expect((await client.post('/v1/users', { email: newEmail(), role: 'people' })).status).toBe(201);

    const change = { name: 'staff', permissions: ['users:read'] };
    expect(await tenant.client.patch(`/v1/roles/${role.body['id']}`, change)).toMatchObject({ body: change });
    await eventually(async () => expect((await client.get('/v1/tasks')).status).toBe(403), SECONDS);
    expect((await client.get(path)).body).toMatchObject({ role: 'staff' });
    expect((await tenant.client.delete(`/v1/roles/${role.body['id']}`)).status).toBe(409);
    const { body } = await tenant.client.get('/v1/roles');
    expect(body['data'].map(({ name }: { name: string }) => name)).toEqual(['admin', 'member', 'viewer', 'staff']);
  });
});

describe('API keys', () => {
  it('are created, shown once, used within their scopes, listed and revoked', async () => {
    const { client } = await newTenant(anonymous);
    const input = { name: 'CI', scopes: ['tasks:*', 'api_keys:create'], expires_at: '2999-01-01T00:00:00Z' };
    const headers = { 'idempotency-key': 'key' };
    const created = await client.post('/v1/api-keys', input, { headers });
    expect(created).toMatchObject({ status: 201, body: { name: 'CI', scopes: input.scopes, last_used_at: null } });
    const { key, ...shown } = created.body as { key: string; id: string; prefix: string };
    expect(key.startsWith(shown.prefix)).toBe(true);
    expect(await client.post('/v1/api-keys', input, { headers })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    const listed = await client.get('/v1/api-keys');
    expect(listed.body).toMatchObject({ data: [{ ...shown, expires_at: '2999-01-01T00:00:00.000Z' }] });
    expect(JSON.stringify(listed.body)).not.toContain(key);

    const byKey = anonymous.withToken(key);
    expect((await byKey.post('/v1/tasks', { title: 'By key' })).status).toBe(201);
    expect((await anonymous.get('/v1/tasks', { headers: { 'x-api-key': key } })).status).toBe(200);
    expect((await byKey.get('/v1/agents')).status).toBe(403);
    const more = await byKey.post('/v1/api-keys', { name: 'More', scopes: ['*:*'] });
    expect(more).toMatchObject({ status: 403, body: { code: 'forbidden' } });

    expect((await client.delete(`/v1/api-keys/${shown.id}`)).status).toBe(204);
    await eventually(async () => expect((await byKey.get('/v1/tasks')).status).toBe(401), SECONDS);
    expect((await client.get('/v1/api-keys')).body['data']).toEqual([]);
  });
});

describe('bad input', () => {
  let tenant: TestTenant;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
  });

  const accept = '/v1/auth/invites/accept';
  const cases: [string, string, object, string][] = [
    ...[null, '', [], {}, 7, true].map((token): [string, string, object, string] => [
      `${JSON.stringify(token)} as token of an invitation`,
      accept,
      { token, password },
      'token',
    ]),
    ['no token of an invitation', accept, { password }, 'token'],
    ['a token of an invitation that is too long', accept, { token: 'x'.repeat(44), password }, 'token'],
    ['a short password', accept, { token: 'x'.repeat(43), password: 'short' }, 'password'],
    ['no e-mail', '/v1/users', { email: 'ada', role: 'member' }, 'email'],
    ['no role', '/v1/users', { email: newEmail() }, 'role'],
    ['an unknown role', '/v1/users', { email: newEmail(), role: 'nobody' }, 'role'],
    ['a role with SQL', '/v1/users', { email: newEmail(), role: "x' or 1=1 --" }, 'role'],
    ['a role without permissions', '/v1/roles', { name: 'x', permissions: [] }, 'permissions'],
    ['a role with text for permissions', '/v1/roles', { name: 'x', permissions: 'tasks:read' }, 'permissions'],
    ['an unknown permission', '/v1/roles', { name: 'x', permissions: ['*:read', 'tasks:fly'] }, 'permissions.1'],
    ['101 permissions', '/v1/roles', { name: 'x', permissions: Array(101).fill('tasks:read') }, 'permissions'],
    ['a name with capitals', '/v1/roles', { name: 'Lead', permissions: ['*:*'] }, 'name'],
    ['an unknown scope', '/v1/api-keys', { name: 'x', scopes: ['dragons:*'] }, 'scopes.0'],
    ['a scope that is none', '/v1/api-keys', { name: 'x', scopes: [null] }, 'scopes'],
    ['a time in the past', '/v1/api-keys', { name: 'x', scopes: ['*:*'], expires_at: '2020-01-01' }, 'expires_at'],
  ];

  it.each(cases)('%s', async (_, path, body, field) => {
    const answer = await tenant.client.post(path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path: field }] } });
  });
});
