import { fastify, type FastifyRequest } from 'fastify';
import { bearer, startEdge, type TestEdge } from './http.testing';
import { clientIp, trusts } from './request-hooks';

const PROXIES = ['127.0.0.0/8', '10.0.0.0/8', 'fd00::/8'];

describe('the address of the client', () => {
  let edge: TestEdge;
  let untrusting: TestEdge;

  beforeAll(async () => {
    edge = await startEdge({ trustProxy: PROXIES });
    untrusting = await startEdge({ trustProxy: ['192.0.2.1/32', 'fd00::/8'] });
  });

  afterAll(() => Promise.all([edge.close(), untrusting.close()]));

  /** What the services learn of the client of a request that comes from 127.0.0.1. */
  async function seen(edge: TestEdge, forwarded: string): Promise<string | undefined> {
    expect((await edge.fetch('/v1/tasks', { headers: { ...bearer, 'x-forwarded-for': forwarded } })).status).toBe(200);
    return edge.contexts.at(-1)?.ip;
  }

  it('is the peer, unless the peer is trusted', async () => {
    expect(await seen(untrusting, '203.0.113.7')).toBe('127.0.0.1');
    const bare = await startEdge();
    expect(await seen(bare, '203.0.113.7')).toBe('127.0.0.1');
    await bare.close();
  });

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7,10.1.2.3 , fd00::1', '203.0.113.7'],
    ['10.9.9.9, 10.1.2.3', '10.9.9.9'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['203.0.113.7, 10.1.2.3:80', '203.0.113.7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['2001:db8::7, [fd00::1]:80', '2001:db8::7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, ::ffff:10.1.2.3', '203.0.113.7'],
    ['fe80::1%eth0', 'fe80::1'],
    [`${'1.1.1.1, '.repeat(1000)}203.0.113.7`, '203.0.113.7'],
  ])('behind trusted proxies %s is %s', async (forwarded, ip) => expect(await seen(edge, forwarded)).toBe(ip));

  it.each([
    ['', '127.0.0.1'],
    ['unknown', '127.0.0.1'],
    ["' OR 1=1 --", '127.0.0.1'],
    ['203.0.113.7, nonsense', '127.0.0.1'],
    ['203.0.113.7, nonsense, 10.1.2.3', '10.1.2.3'],
    [', , ,', '127.0.0.1'],
    ['010.0.0.1', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['256.1.1.1', '127.0.0.1'],
    ['[2001:db8::7', '127.0.0.1'],
    ['1.1.1.1:', '127.0.0.1'],
  ])('is the last one known when the walk meets garbage: %s', async (forwarded, ip) =>
    expect(await seen(edge, forwarded)).toBe(ip),
  );
});

it('x-forwarded-host and -proto are believed of trusted peers alone', async () => {
  for (const [trusted, expected] of [
    ['192.0.2.1/32', ['http', 'api.example.com', '127.0.0.1']],
    ['127.0.0.1/32', ['https', 'evil.example', '203.0.113.7']],
  ] as const) {
    const server = fastify({ trustProxy: trusts([trusted]) });
    server.get('/', (request: FastifyRequest) => [request.protocol, request.host, clientIp(request)]);
    const headers = {
      host: 'api.example.com',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    };
    expect((await server.inject({ url: '/', headers })).json()).toEqual(expected);
    await server.close();
  }
});
