import type { HttpToolConfig } from '@taai/contracts';
import { SecretBox } from '@taai/platform';
import { makeFernetKey } from '@taai/platform-testing';
import { callHttp, isRepeatable } from './http-tool';
import { json, startServer, type TestServer } from './http-server.testing';
import { ToolConnector } from '../tool-connector';
import { settle } from '../tool-result';
import { failure, toolContext } from '../tool.testing';

const canary = 'Bearer sk-canary-0123456789';
const connector = (allow: string[]) => new ToolConnector(new SecretBox([makeFernetKey()]), allow);
const local = connector(['127.0.0.0/8']);

const servers: TestServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serverOf(...answer: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...answer);
  servers.push(server);
  return server;
}

const call = (config: Partial<HttpToolConfig> & { url: string }, args = {}, context = toolContext(), from = local) =>
  settle({ secrets: [canary], signal: context.signal }, () =>
    callHttp(from.dispatcher, { method: 'GET', ...config }, { Authorization: canary }, args, context),
  );

describe('a request', () => {
  it('is sent with its arguments, its secrets and the execution as Idempotency-Key', async () => {
    const server = await serverOf(json({ id: 5 }));
    const context = toolContext();
    const config = {
      method: 'POST' as const,
      url: `${server.url}/users/{{id}}?dry={{dry}}`,
      headers: { 'X-Trace': 'run {{id}}', 'Idempotency-Key': 'mine' },
      body: { user: '{{id}}', tags: '{{tags}}' },
    };
    expect(await call(config, { id: 7, tags: ['a'] }, context)).toEqual({ status: 200, body: { id: 5 } });
    const sent = { authorization: canary, 'x-trace': 'run 7', 'content-type': 'application/json' };
    const headers = { ...sent, 'idempotency-key': context.execution_id };
    expect(server.received).toMatchObject([{ method: 'POST', path: '/users/7', headers }]);
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ user: 7, tags: ['a'] });
  });

  it.each(['GET', 'HEAD', 'DELETE', 'PUT', 'PATCH'] as const)('may be %s', async (method) => {
    const server = await serverOf((response) => response.writeHead(204).end());
    expect(await call({ method, url: server.url })).toEqual({ status: 204, body: '' });
    expect(server.received).toMatchObject([{ method, body: '' }]);
  });

  it('is repeatable if it changes nothing, or if its tool says so', () => {
    const repeatable = (config: Partial<HttpToolConfig>) => isRepeatable({ method: 'POST', url: '', ...config });
    expect([{}, { idempotent: true }, { method: 'GET' } as const, { method: 'HEAD' } as const].map(repeatable)).toEqual(
      [...[false, true, true, true]],
    );
  });
});

describe('an answer', () => {
  const body = async (type: string, text: string, more: Partial<HttpToolConfig> = {}) => {
    const { url } = await serverOf((response) => response.writeHead(200, { 'content-type': type }).end(text));
    return call({ url, ...more });
  };

  it('is JSON where it says so, and text else', async () => {
    expect(await body('application/problem+json; charset=utf-8', '{"a":[1]}')).toEqual({
      status: 200,
      body: { a: [1] },
    });
    expect(await body('text/plain', '{"a":1}')).toEqual({ status: 200, body: '{"a":1}' });
    expect(await body('application/json', '<html>')).toEqual({ status: 200, body: '<html>' });
  });

  it('is cut off where it is too long', async () => {
    expect(await body('text/plain', 'abcdef', { max_bytes: 3 })).toEqual({ status: 200, body: 'abc', truncated: true });
    expect(await body('application/json', '{"a":1}', { max_bytes: 3 })).toEqual({
      status: 200,
      body: '{"a',
      truncated: true,
    });
  });

  it.each(['a', '"', '\u0001', 'ü', '🙂'])('of %j without end is told as far as a model can take it', async (text) => {
    const result = await body('text/plain', text.repeat(300_000));
    expect(result).toMatchObject({ status: 200, truncated: true });
    const size = Buffer.byteLength(JSON.stringify(result));
    expect([size <= 65_536, size > 50_000]).toEqual([true, true]);
  });

  it('that never ends is left when enough was read', async () => {
    const closed = Promise.withResolvers<void>();
    const { url } = await serverOf((response) => {
      response.writeHead(200);
      const more = () => void (response.write('x'.repeat(10_000)) ? setImmediate(more) : response.once('drain', more));
      more();
      response.on('close', () => closed.resolve());
    });
    expect(await call({ url })).toMatchObject({ status: 200, truncated: true });
    await closed.promise;
  });

  it('can be stored', async () => {
    expect(await body('application/json', '{"a\\u0000":"\\u0000\\ud800"}')).toEqual({
      status: 200,
      body: { 'a\uFFFD': '\uFFFD\uFFFD' },
    });
    const deep = body('application/json', '['.repeat(40) + ']'.repeat(40));
    await expect(deep).rejects.toEqual(failure('invalid_result', expect.stringContaining('nested deeper')));
  });

  it.each([
    [404, 'The server answered 404: no such user'],
    [500, 'The server answered 500: no such user'],
  ])('of status %d fails, with an excerpt', async (status, message) => {
    const { url } = await serverOf((response) => response.writeHead(status).end('no such user\n'));
    await expect(call({ url })).rejects.toEqual(failure('http_error', message));
  });

  it('that leads elsewhere is not followed', async () => {
    const target = await serverOf();
    const { url } = await serverOf((response) => response.writeHead(302, { location: target.url }).end());
    await expect(call({ url })).rejects.toEqual(failure('http_error', expect.stringContaining('302')));
    expect(target.received).toEqual([]);
  });
});

describe('a request fails', () => {
  it('at its time limit', async () => {
    const { url } = await serverOf(() => undefined);
    await expect(call({ url, timeout_ms: 100 })).rejects.toEqual(failure('timeout', expect.stringContaining('0.1 s')));
  });

  it('at its time limit while the answer trickles', async () => {
    const { url } = await serverOf((response) => {
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    });
    await expect(call({ url, timeout_ms: 200 })).rejects.toEqual(failure('timeout'));
  });

  it('when its run is stopped, and closes the socket', async () => {
    const [arrived, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { url } = await serverOf((response) => {
      response.on('close', () => closed.resolve());
      arrived.resolve();
    });
    const run = new AbortController();
    const calling = call({ url }, {}, toolContext({ signal: run.signal }));
    const refused = expect(calling).rejects.toEqual(failure('cancelled'));
    await arrived.promise;
    run.abort();
    await Promise.all([refused, closed.promise]);
  });

  it('when nobody listens', async () => {
    const server = await startServer();
    await server.close();
    await expect(call({ url: server.url })).rejects.toEqual(
      failure('unreachable', expect.stringContaining('ECONNREFUSED')),
    );
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433'])(
    'at %s, which is private',
    async (host) => {
      const { url, received } = await serverOf();
      const target = url.replace('127.0.0.1', host);
      await expect(call({ url: target }, {}, toolContext(), connector([]))).rejects.toEqual(failure('url_not_allowed'));
      expect(received).toEqual([]);
    },
  );
});

it('sends nothing that one argument, named many times, makes huge', async () => {
  const { url, received } = await serverOf();
  const args = { a: 'x'.repeat(200_000) };
  const refused = failure('invalid_arguments', expect.stringContaining('larger than 1 MB'));
  for (const body of ['{{a}}'.repeat(100_000), Array(100_000).fill('{{a}}'), { b: { c: Array(6).fill('{{a}}') } }])
    await expect(call({ method: 'POST', url, body }, args)).rejects.toEqual(refused);
  expect(received).toEqual([]);
});

describe('a secret that the server sends back', () => {
  const echo: Parameters<typeof startServer>[0] = (response, { path, headers }) => {
    const [, status = '200'] = /status=(\d+)/.exec(path) ?? [];
    const { authorization = '' } = headers;
    const shown = { [authorization]: authorization, part: `key=${authorization.slice('Bearer '.length)};` };
    json(shown, Number(status))(response);
  };

  it.each([200, 500])('is not told (%d)', async (status) => {
    const { url } = await serverOf(echo);
    const told = await call({ url: `${url}/?status=${status}` }).then(JSON.stringify, String);
    expect(told).toContain('[secret]');
    expect(told).not.toMatch(/canary/);
  });
});
