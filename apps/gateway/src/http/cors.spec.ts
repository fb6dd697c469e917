import { bearer, EVENTS_PATH, startEdge, type TestEdge } from './http.testing';

const APP = 'https://app.example.com';

const preflight = (edge: TestEdge, origin: string) =>
  edge.fetch('/v1/tasks', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });

const corsOf = ({ headers }: { headers: Headers }) =>
  [...headers].filter(([name]) => name.startsWith('access-control-'));

describe('with listed origins', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge({ corsOrigins: [APP, 'http://localhost:5173'] });
  });

  afterAll(() => edge.close());

  it('answers the preflight of a listed one with all that the API takes and shows', async () => {
    const answer = await preflight(edge, APP);
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(corsOf(answer))).toEqual({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, idempotency-key, last-event-id, prefer, traceparent, x-api-key, x-request-id',
      'access-control-expose-headers':
        'location, ratelimit, ratelimit-policy, retry-after, x-cost-micro-usd, x-model, x-overhead-ms, x-provider, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens, x-request-id',
      'access-control-max-age': '86400',
    });
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it.each([
    ['a success', '/v1/tasks', bearer, 200],
    ['a refusal', '/v1/tasks', {}, 401],
    ['a path that is not there', '/v1/nothing', {}, 404],
    ['a URL that is too long', `/v1/tasks?q=${'x'.repeat(9000)}`, bearer, 414],
    ['an event stream', EVENTS_PATH, bearer, 200],
  ])('lets a listed one read %s', async (_, path, headers, status) => {
    const answer = await edge.fetch(path, { headers: { origin: APP, ...headers } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP);
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it.each([
    'https://evil.example.com',
    'null',
    `${APP}.evil.example`,
    'http://app.example.com',
    `${APP}:8443`,
    'HTTPS://APP.EXAMPLE.COM',
    `${APP}, https://evil.example.com`,
    "https://app.example.com' OR '1'='1",
  ])('tells %s nothing', async (origin) => {
    for (const answer of [
      await preflight(edge, origin),
      await edge.fetch('/v1/tasks', { headers: { origin, ...bearer } }),
      await edge.fetch(EVENTS_PATH, { headers: { origin, ...bearer } }),
    ]) {
      expect(corsOf(answer)).toEqual([]);
      expect(answer.headers.get('vary')).toBe('Origin');
    }
  });
});

it('says nothing of origins when none is listed', async () => {
  const edge = await startEdge();
  const answers = [await preflight(edge, APP), await edge.fetch('/v1/tasks', { headers: { origin: APP, ...bearer } })];
  expect(answers.map(({ status }) => status)).toEqual([405, 200]);
  expect(answers.flatMap(corsOf)).toEqual([]);
  await edge.close();
});
