import { randomUUID } from 'node:crypto';
import { sharedFleet } from './support/shared-fleet';
import { newTenant, type TestTenant } from './support/tenant';

const { anonymous } = sharedFleet();

const login = (email: string, password: string) =>
  anonymous.post('/v1/auth/login', { email, password }, { headers: { 'user-agent': 'e2e/1.0' } });
const refresh = (refresh_token: string) => anonymous.post('/v1/auth/refresh', { refresh_token });
const refused = { status: 401, body: { code: 'invalid_refresh_token' } };

describe('sessions', () => {
  it('are opened, renewed, listed, ended, and end with the password', async () => {
    const { email, password, user_id } = await newTenant(anonymous);
    const first = await login(email, password);
    const second = await login(email, password);
    const own = anonymous.withToken(second.body['access_token']);

    const renewed = await refresh(first.body['refresh_token']);
    expect(renewed).toMatchObject({ status: 200, body: { token_type: 'Bearer', user: { id: user_id } } });
    const again = await anonymous.withToken(renewed.body['access_token']).get('/v1/auth/me');
    expect(again).toMatchObject({ status: 200, body: { user: { email } } });

    const list = await own.get('/v1/auth/sessions');
    expect(list).toMatchObject({ status: 200, body: { has_more: false, next_cursor: null } });
    const [current, renewedSession, oldest] = list.body['data'];
    expect(list.body['data']).toHaveLength(3);
    expect(current).toMatchObject({ is_current: true, ip: '127.0.0.1', user_agent: 'e2e/1.0' });
    expect(renewedSession).toMatchObject({ is_current: false, user_agent: 'e2e/1.0' });
    expect(Date.parse(renewedSession.last_used_at)).toBeGreaterThan(Date.parse(renewedSession.created_at));

    expect((await own.delete(`/v1/auth/sessions/${renewedSession.id}`)).status).toBe(204);
    expect(await refresh(renewed.body['refresh_token'])).toMatchObject(refused);
    expect((await own.delete(`/v1/auth/sessions/${renewedSession.id}`)).status).toBe(404);
    expect((await own.get('/v1/auth/sessions')).body['data'].map(({ id }: { id: string }) => id)).toEqual([
      current.id,
      oldest.id,
    ]);

    const third = await login(email, password);
    const passwords = { current_password: password, new_password: 'another horse' };
    expect((await own.post('/v1/auth/password/change', passwords)).status).toBe(204);
    expect(await refresh(third.body['refresh_token'])).toMatchObject(refused);
    expect((await login(email, password)).status).toBe(401);
    expect((await login(email, 'another horse')).status).toBe(200);

    const kept = await refresh(second.body['refresh_token']);
    expect(kept.status).toBe(200);
    const { refresh_token } = kept.body;
    expect((await anonymous.post('/v1/auth/logout', { refresh_token })).status).toBe(204);
    expect(await refresh(refresh_token)).toMatchObject(refused);
    expect((await anonymous.post('/v1/auth/logout', { refresh_token: 'unknown' })).status).toBe(204);
  });
});

describe('known and unknown accounts', () => {
  it.each(['/v1/auth/login', '/v1/auth/password/forgot'])('are answered alike by %s', async (path) => {
    const { email } = await newTenant(anonymous);
    const headers = { 'x-request-id': 'the-same' };
    const ask = async (email: string) => {
      const password = path.endsWith('login') ? { password: 'another horse' } : {};
      const response = await anonymous.fetch('POST', path, { body: { email, ...password }, headers });
      // What is left of a limit goes down with each request.
      const { date, ratelimit, ...others } = Object.fromEntries(response.headers);
      return {
        status: response.status,
        body: await response.text(),
        others,
        has: [date !== undefined, ratelimit !== undefined],
      };
    };
    expect(await ask(email)).toEqual(await ask(`${randomUUID()}@example.com`));
  });
});

describe('bad input', () => {
  let tenant: TestTenant;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
  });

  const bad = [null, '', [], {}, 7, true, 'x'.repeat(2000), 'a\u0000b'];
  const good = { token: 'x'.repeat(43), new_password: 'another horse', current_password: 'correct horse' };
  const fields: [string, string, object][] = [
    ['/v1/auth/refresh', 'refresh_token', {}],
    ['/v1/auth/logout', 'refresh_token', {}],
    ['/v1/auth/login', 'email', { password: 'x' }],
    ['/v1/auth/login', 'password', { email: 'x' }],
    ['/v1/auth/password/forgot', 'email', {}],
    ['/v1/auth/password/reset', 'token', { new_password: good.new_password }],
    ['/v1/auth/password/reset', 'new_password', { token: good.token }],
    ['/v1/auth/password/change', 'current_password', { new_password: good.new_password }],
    ['/v1/auth/password/change', 'new_password', { current_password: good.current_password }],
  ];

  it.each(fields)('%s refuses what is no %s', async (path, field, others) => {
    for (const value of [...bad, undefined]) {
      const answer = await tenant.client.post(path, { ...others, [field]: value });
      expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    }
    const more = await tenant.client.post(path, { ...others, [field]: good.token, admin: true });
    expect(more).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  });

  it.each(['password', 'Password123', 'QWERTY123456'])('the common password %s', async (password) => {
    const email = `${randomUUID()}@example.com`;
    const answer = await anonymous.post('/v1/auth/register', { tenant_name: 'Test', email, password });
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path: 'password' }] } });
  });

  it('links and tokens that nobody gave', async () => {
    const { token, new_password } = good;
    const reset = await anonymous.post('/v1/auth/password/reset', { token, new_password });
    expect(reset).toMatchObject({ status: 400, body: { code: 'invalid_token' } });
    for (const text of [token, "' or 1=1 --", '../../etc/passwd']) expect(await refresh(text)).toMatchObject(refused);
  });

  it.each([
    ['GET', '/v1/auth/sessions'],
    ['DELETE', `/v1/auth/sessions/${randomUUID()}`],
    ['POST', '/v1/auth/password/change'],
  ])('%s %s without a session', async (method, path) => {
    const answer = await anonymous.request(method, path, { body: method === 'POST' ? good : undefined });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it("another tenant's session, word for word as an absent one", async () => {
    const other = await newTenant(anonymous);
    const [{ id }] = (await other.client.get('/v1/auth/sessions')).body['data'];
    const foreign = await tenant.client.delete(`/v1/auth/sessions/${id}`);
    const absent = await tenant.client.delete(`/v1/auth/sessions/${randomUUID()}`);
    expect(foreign.status).toBe(404);
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...absent.body, request_id: '' });
    expect((await tenant.client.delete('/v1/auth/sessions/1')).status).toBe(400);
    expect((await tenant.client.get('/v1/auth/sessions?limit=0')).status).toBe(400);
    expect((await tenant.client.get('/v1/auth/sessions?cursor=nonsense')).body['code']).toBe('invalid_cursor');
  });
});
