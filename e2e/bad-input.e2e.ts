import { randomUUID } from 'node:crypto';
import { decodeJwt, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';
import { sharedFleet } from './support/shared-fleet';
import { newTenant, type TestTenant } from './support/tenant';

const { anonymous, authSigningJwk, sandboxUrl } = sharedFleet();

describe('bad input', () => {
  let tenant: TestTenant;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
  });

  const cases: [string, string, string, unknown, number, string, string?][] = [
    ['malformed JSON', 'POST', '/v1/tasks', '{"title":', 400, 'malformed_request'],
    ['an array as body', 'POST', '/v1/tasks', [], 400, 'malformed_request'],
    ['a string as body', 'POST', '/v1/tasks', '"text"', 400, 'malformed_request'],
    ['an empty body', 'POST', '/v1/tasks', {}, 400, 'validation_failed', 'title'],
    ['the title in the query', 'POST', '/v1/tasks?title=x', {}, 400, 'validation_failed', 'title'],
    ['an unknown field', 'POST', '/v1/tasks', { title: 'x', colour: 'red' }, 400, 'validation_failed', 'colour'],
    ['a number as title', 'POST', '/v1/tasks', { title: 7 }, 400, 'validation_failed', 'title'],
    ['an unknown status', 'POST', '/v1/tasks', { title: 'x', status: 'lost' }, 400, 'validation_failed', 'status'],
    [
      'a label that is no string',
      'POST',
      '/v1/tasks',
      { title: 'x', labels: ['a', 1] },
      400,
      'validation_failed',
      'labels',
    ],
    [
      'a date that is none',
      'POST',
      '/v1/tasks',
      { title: 'x', due_at: '2026-02-30T00:00:00Z' },
      400,
      'validation_failed',
      'due_at',
    ],
    ['a NUL byte', 'POST', '/v1/tasks', { title: 'a\u0000b' }, 400, 'validation_failed'],
    [
      'an assignee that is not there',
      'POST',
      '/v1/tasks',
      { title: 'x', assignee_id: randomUUID() },
      400,
      'validation_failed',
      'assignee_id',
    ],
    ['__proto__', 'POST', '/v1/tasks', '{"title":"x","__proto__":{"admin":true}}', 400, 'malformed_request'],
    ['null as title', 'PATCH', `/v1/tasks/${randomUUID()}`, { title: null }, 400, 'validation_failed', 'title'],
    ['the id in the body', 'PATCH', `/v1/tasks/${randomUUID()}`, { id: randomUUID() }, 400, 'validation_failed', 'id'],
    ['a bad UUID', 'GET', '/v1/tasks/123', undefined, 400, 'validation_failed', 'id'],
    ['an absent id', 'GET', `/v1/tasks/${randomUUID()}`, undefined, 404, 'not_found'],
    ['a bad limit', 'GET', '/v1/tasks?limit=1000', undefined, 400, 'validation_failed', 'limit'],
    ['two limits', 'GET', '/v1/tasks?limit=1&limit=2', undefined, 400, 'validation_failed', 'limit'],
    ['an unknown filter', 'GET', '/v1/tasks?owner=me', undefined, 400, 'validation_failed', 'owner'],
    ['a bad cursor', 'GET', '/v1/tasks?cursor=nonsense', undefined, 400, 'invalid_cursor'],
    [
      "another list's cursor",
      'GET',
      `/v1/tasks?cursor=${Buffer.from('["x"]').toString('base64url')}`,
      undefined,
      400,
      'invalid_cursor',
    ],
    ['a trailing slash', 'GET', '/v1/tasks/', undefined, 404, 'not_found'],
    ['an unknown route', 'GET', '/v1/nothing', undefined, 404, 'not_found'],
    [
      'a file for a provider',
      'POST',
      '/v1/providers',
      { name: 'x', kind: 'openai', base_url: 'file:///etc/passwd' },
      400,
      'validation_failed',
      'base_url',
    ],
    [
      'a private address for a provider',
      'POST',
      '/v1/providers',
      { name: 'x', kind: 'openai', base_url: 'http://10.1.2.3/v1' },
      422,
      'url_not_allowed',
    ],
  ];

  // Filled up, because Jest takes a parameter without a value for its callback.
  const filled = cases.map((row) => [...row, undefined].slice(0, 7) as Required<typeof row>);

  it.each(filled)('%s', async (_, method, path, body, status, code, field) => {
    const answer = await tenant.client.request(method, path, { body });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer).toMatchObject({ status, body: { status, code, request_id: answer.headers.get('x-request-id') } });
    if (field) expect(answer.body['errors']).toMatchObject([{ path: field }]);
  });

  it('a body over 1 MB', async () => {
    const answer = await tenant.client.post('/v1/tasks', { title: 'x', description: 'x'.repeat(1_100_000) });
    expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
  });

  it('a body that is not JSON', async () => {
    const answer = await tenant.client.post('/v1/tasks', '<task/>', { headers: { 'content-type': 'text/xml' } });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  it("another tenant's id, word for word as an absent one", async () => {
    const other = await newTenant(anonymous);
    const task = await other.client.post('/v1/tasks', { title: 'Mine' });
    for (const [method, body] of [['GET'], ['PATCH', { title: 'Yours' }], ['DELETE']] as const) {
      const foreign = await tenant.client.request(method, `/v1/tasks/${task.body['id']}`, { body });
      const absent = await tenant.client.request(method, `/v1/tasks/${randomUUID()}`, { body });
      expect(foreign.status).toBe(404);
      expect({ ...foreign.body, request_id: '' }).toEqual({ ...absent.body, request_id: '' });
    }
    expect((await other.client.get(`/v1/tasks/${task.body['id']}`)).body['title']).toBe('Mine');
  });
});

describe('bad tokens', () => {
  const claims = ({ tenant_id }: TestTenant, sid: unknown = randomUUID()) => ({ tenant_id, role: 'admin', sid });

  const sign = (
    tenant: TestTenant,
    key: Parameters<SignJWT['sign']>[0],
    header: { alg: string; kid?: string; jwk?: JWK; jku?: string },
    sid?: unknown,
  ) =>
    new SignJWT(claims(tenant, sid))
      .setProtectedHeader(header)
      .setSubject(tenant.user_id)
      .setIssuer('task-assistant')
      .setAudience('task-assistant')
      .setExpirationTime('1h')
      .sign(key);

  const none = (tenant: TestTenant) => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = { ...claims(tenant), sub: tenant.user_id, iss: 'task-assistant', aud: 'task-assistant', exp: 4e9 };
    return `${encode({ alg: 'none' })}.${encode(payload)}.`;
  };

  const signingJwk = JSON.parse(authSigningJwk) as JWK & { kid: string; x: string };

  type Forgery = [string, (tenant: TestTenant) => Promise<string> | string];

  const forgeries: Forgery[] = [
    ['none at all', () => ''],
    ['not a token', () => 'nonsense'],
    ['alg none', none],
    [
      'HS256 with the public key as secret',
      (tenant) => sign(tenant, Buffer.from(signingJwk.x, 'base64url'), { alg: 'HS256', kid: signingJwk.kid }),
    ],
    [
      'signed by a key of its own, in its header',
      async (tenant) => {
        const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
        return sign(tenant, privateKey, { alg: 'EdDSA', kid: signingJwk.kid, jwk: await exportJWK(publicKey) });
      },
    ],
    [
      'signed by a key of its own, behind a link in its header',
      async (tenant) => {
        const { privateKey } = await generateKeyPair('EdDSA');
        return sign(tenant, privateKey, { alg: 'EdDSA', kid: 'own', jku: `${sandboxUrl}/jwks.json` });
      },
    ],
    ...['../../dev/null', "x' or '1'='1", 'n'.repeat(2000)].map((kid): Forgery => [
      `signed by a key whose id is ${kid.slice(0, 20)}`,
      async (tenant) => sign(tenant, await importJWK(signingJwk, 'EdDSA'), { alg: 'EdDSA', kid }),
    ]),
    [
      'for another audience',
      async (tenant) =>
        new SignJWT(claims(tenant))
          .setProtectedHeader({ alg: 'EdDSA', kid: signingJwk.kid })
          .setSubject(tenant.user_id)
          .setIssuer('task-assistant')
          .setAudience('another')
          .setExpirationTime('1h')
          .sign(await importJWK(signingJwk, 'EdDSA')),
    ],
    [
      'expired',
      async (tenant) =>
        new SignJWT(claims(tenant))
          .setProtectedHeader({ alg: 'EdDSA', kid: signingJwk.kid })
          .setSubject(tenant.user_id)
          .setIssuer('task-assistant')
          .setAudience('task-assistant')
          .setExpirationTime(1_000_000)
          .sign(await importJWK(signingJwk, 'EdDSA')),
    ],
  ];

  it.each(forgeries)('%s: 401', async (_, forge) => {
    const tenant = await newTenant(anonymous);
    const answer = await anonymous.withToken(await forge(tenant)).get('/v1/auth/me');
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('the right key with the right claims is accepted: the forgeries fail for their fault alone', async () => {
    const tenant = await newTenant(anonymous);
    const { sid } = decodeJwt(tenant.client.token ?? '');
    const token = await sign(tenant, await importJWK(signingJwk, 'EdDSA'), { alg: 'EdDSA', kid: signingJwk.kid }, sid);
    expect((await anonymous.withToken(token).get('/v1/tasks')).status).toBe(200);
  });
});
