import { bearer, EVENTS_PATH, startEdge, type TestEdge } from './http.testing';

describe('HTTPS_ONLY behind a trusted proxy', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge({ httpsOnly: true, trustProxy: ['127.0.0.0/8'] });
  });

  afterAll(() => edge.close());

  it.each([
    ['nothing', {}],
    ['http', { 'x-forwarded-proto': 'http' }],
    ['https long ago, http at last', { 'x-forwarded-proto': 'https, http' }],
    ['garbage', { 'x-forwarded-proto': "https' OR '1'='1" }],
  ])('refuses what arrived by %s', async (_, headers) => {
    for (const path of ['/v1/tasks', '/v1/nothing', '/docs', '/.well-known/jwks.json', '/healthy']) {
      const answer = await edge.fetch(path, { headers: { ...bearer, ...headers } });
      expect([path, answer.status, JSON.parse(answer.text)]).toMatchObject([path, 403, { code: 'https_required' }]);
    }
  });

  it('serves what arrived by HTTPS, and asks browsers to stay with it', async () => {
    for (const path of ['/v1/tasks', EVENTS_PATH, '/docs']) {
      const answer = await edge.fetch(path, { headers: { ...bearer, 'x-forwarded-proto': 'https' } });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    }
  });

  it('answers probes however they come', async () => {
    expect((await edge.fetch('/health/live')).status).toBe(200);
    expect((await edge.fetch('/health/ready')).status).toBe(200);
  });
});

it('HTTPS_ONLY believes no x-forwarded-proto of a peer that is not trusted', async () => {
  const edge = await startEdge({ httpsOnly: true, trustProxy: ['192.0.2.1/32'] });
  const answer = await edge.fetch('/v1/tasks', { headers: { ...bearer, 'x-forwarded-proto': 'https' } });
  expect(answer.status).toBe(403);
  await edge.close();
});
