import { noLimits, ProblemError, publicMethods } from '@taai/contracts';
import { dialects } from '@taai/dialects';
import { requestLog } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { hostileRoutes, ID } from '../http/hostile.testing';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';
import type { Lasting } from './concurrency';

beforeAll(() => jest.spyOn(requestLog, 'info').mockReturnValue());
afterAll(() => jest.restoreAllMocks());

const json = { ...bearer, 'content-type': 'application/json' };

describe('what lasts', () => {
  let edge: TestEdge;
  let taken: Lasting[] = [];

  beforeAll(async () => {
    const nobody = () => Promise.reject(new ProblemError('not_found'));
    const methods = Object.fromEntries(
      ['send', 'regenerate', 'start', 'chat', 'models', 'model', 'archive', 'export'].map((name) => [name, nobody]),
    );
    edge = await startEdge({}, { methods, take: async (kind) => void taken.push(kind) });
  });
  beforeEach(() => {
    taken = [];
  });
  afterAll(() => edge.close());

  const models = new Map(
    dialects.filter(({ kind }) => kind === 'chat' || kind === 'embeddings').map(({ http }) => [http, 'door_calls']),
  );

  it.each(hostileRoutes().map((route) => [route.bound.method.http, route] as const))(
    'is known of %s by its head',
    async (http, { verb, path, bound, takesBody }) => {
      await edge.fetch(path, { method: verb, headers: json, ...(takesBody && { body: '{}' }) });
      const { media_type, access } = bound.method;
      // Who has no token is counted by the link that they follow, once that is known.
      const readers = media_type === 'text/event-stream' && access !== 'public' ? 'sse_readers' : undefined;
      const expected = models.get(http) ?? readers;
      expect(taken).toEqual(expected === undefined ? [] : [expected]);
    },
  );

  const question = { model: 'main/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] };
  const streamed: Record<string, object> = {
    'POST /v1/agents/:id/runs': { input: 'Hello' },
    'POST /v1/conversations/:id/messages': { content: 'Hello' },
    'POST /v1/chat/completions': question,
  };
  const streaming = [
    ...publicMethods.filter(({ method }) => method.events && !method.media_type).map(({ method }) => method.http),
    ...dialects.filter(({ kind }) => kind === 'chat').map(({ http }) => http),
  ];

  it.each(streaming)('is counted as a stream where the body of %s asks for one', async (http) => {
    const path = http.slice('POST '.length).replace(':id', ID);
    const post = (stream: boolean) =>
      edge.fetch(path, { method: 'POST', headers: json, body: JSON.stringify({ ...streamed[http], stream }) });
    await post(false);
    expect(taken).not.toContain('open_streams');
    await post(true);
    expect(taken).toContain('open_streams');
  });
});

describe('a request beyond what its tenant may have in flight', () => {
  it('is refused before its body is read and any service is called, and says how many there may be', async () => {
    const held = Promise.withResolvers<string>();
    const tenantLimits = { ...noLimits, requests_in_flight: 1 };
    const edge = await startEdge({}, { call: () => held.promise, tenantLimits });
    const first = edge.fetch('/v1/tasks', { headers: bearer });
    await until(() => edge.contexts.length === 1);
    const head = `POST /v1/tasks HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${bearer.authorization}\r\n`;
    const refused = await edge.send(
      `${head}Connection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`,
    );
    expect(refused).toMatch(/^HTTP\/1.1 429 /);
    expect(refused).toMatch(/^retry-after: 1\r$/im);
    expect(refused).toContain('"code":"too_many_requests_in_flight"');
    expect(refused).toContain('The tenant may have 1 requests in flight at once (requests_in_flight).');
    expect(edge.contexts).toHaveLength(1);
    held.resolve('{}');
    expect((await first).status).toBe(200);
    expect((await edge.fetch('/v1/tasks', { headers: bearer })).status).toBe(200);
    await edge.close();
  });
});
