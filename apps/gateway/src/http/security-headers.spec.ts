import { bearer, EVENTS_PATH, startEdge, type TestEdge } from './http.testing';

const json = { 'content-type': 'application/json' };

describe('security headers', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge();
  });

  afterAll(() => edge.close());

  it.each([
    ['a success', '/v1/tasks', { headers: bearer }, 200],
    ['a refusal', '/v1/tasks', {}, 401],
    ['an event stream', EVENTS_PATH, { headers: bearer }, 200],
    ['a path that is not there', '/v1/nothing', {}, 404],
    ['a body that is no JSON', '/v1/auth/login', { method: 'POST', headers: json, body: '{' }, 400],
    ['health', '/health/live', {}, 200],
  ])('stand on %s', async (_, path, init, status) => {
    const answer = await edge.fetch(path, init);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
    });
    for (const name of ['strict-transport-security', 'server', 'x-powered-by'])
      expect(answer.headers.get(name)).toBeNull();
  });

  it.each([
    ['/v1/tasks', { headers: bearer }, 200, 'no-store'],
    [EVENTS_PATH, { headers: bearer }, 200, 'no-store, no-transform'],
    ['/v1/tasks', {}, 401, 'no-store'],
    ['/v1/auth/nothing', {}, 404, 'no-store'],
    [
      '/v1/auth/login',
      { method: 'POST', headers: json, body: '{"email":"a@b.example","password":"x"}' },
      200,
      'no-store',
    ],
    ['/.well-known/jwks.json', {}, 200, 'public, max-age=300'],
    ['/.well-known/jwks.json?x=1', {}, 400, 'no-store'],
  ])('%s %j answers %d with cache-control %s', async (path, init, status, expected) => {
    const answer = await edge.fetch(path, init);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([status, expected]);
  });

  it.each([['application/x-www-form-urlencoded'], ['text/plain'], ['multipart/form-data; boundary=x']])(
    'refuse %s, which pages of other origins may send without being asked',
    async (type) => {
      const answer = await edge.fetch('/v1/auth/login', {
        method: 'POST',
        headers: { 'content-type': type },
        body: 'a=b',
      });
      expect(answer.status).toBe(415);
    },
  );

  it('let Swagger UI run what its page loads, all of it its own', async () => {
    const page = await edge.fetch('/docs');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/https?:|\*/);
    expect(page.text).not.toMatch(/<script>|<script [^>]*src="(https?:)?\/\/| on\w+="/);
    const loaded = [...page.text.matchAll(/(?:src|href)="(\.[^"]+)"/g)].map(
      ([, path]) => new URL(path ?? '', 'http://x/docs'),
    );
    expect((await edge.fetch('/docs/swagger-ui-init.js')).text).toContain('"validatorUrl": "none"');
    expect(loaded.length).toBeGreaterThan(4);
    for (const { pathname } of loaded) {
      const asset = await edge.fetch(pathname);
      expect([pathname, asset.status]).toEqual([pathname, 200]);
      expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});
