import type { ServerResponse } from 'node:http';
import { SecretBox } from '@taai/platform';
import { makeFernetKey, until } from '@taai/platform-testing';
import { json, startServer, type TestServer } from '../http/http-server.testing';
import { callMcp, combinedName } from './mcp-tool';
import { said, startMcpServer, type McpTestServer } from './mcp-server.testing';
import { ToolConnector } from '../tool-connector';
import { failure, toolContext } from '../tool.testing';

const connector = (allow: string[]) => new ToolConnector(new SecretBox([makeFernetKey()]), allow);
const local = connector(['127.0.0.0/8']);

const servers: { close(): Promise<void> }[] = [];
let mcp: McpTestServer;

beforeAll(async () => {
  mcp = await startMcpServer({
    add: { call: ({ a, b }) => ({ ...said('unused'), structuredContent: { sum: Number(a) + Number(b) } }) },
    mixed: {
      call: () => ({
        content: [
          { type: 'text', text: 'One.' },
          { type: 'image', data: 'AAAA', mimeType: 'image/png' },
          { type: 'resource', resource: { uri: 'file:///a', text: 'Two.' } },
        ],
      }),
    },
    fail: { call: () => ({ ...said('No such city.'), isError: true }) },
    hang: { call: () => new Promise(() => undefined) },
    huge: { call: () => said('x'.repeat(5_000_000)) },
    // The SDK would refuse to send it.
    lying: { outputSchema: { type: 'object', required: ['a'] }, call: () => said('no structure') },
  });
});
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));
afterAll(() => mcp.close());

async function serverOf(...answer: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...answer);
  servers.push(server);
  return server;
}

const call = (
  name: string,
  args = {},
  { url = mcp.url, timeout_ms = 5000, from = local, context = toolContext() } = {},
) => callMcp(from.fetch, { url, timeout_ms }, { 'x-key': 'sk-1' }, { name, args }, context);

describe('a tool of a server by the official SDK', () => {
  it('gives its structured content, or its text', async () => {
    expect(await call('add', { a: 2, b: 3 })).toEqual({ sum: 5 });
    expect(await call('mixed')).toBe('One.\n[image]\nTwo.');
    expect(await call('lying')).toBe('no structure');
  });

  it('is sent the secrets and the execution as Idempotency-Key', async () => {
    const context = toolContext();
    await call('add', { a: 1, b: 1 }, { context });
    expect(mcp.calls.at(-1)?.headers).toMatchObject({ 'x-key': 'sk-1', 'idempotency-key': context.execution_id });
  });

  it('is left with its session ended', async () => {
    await call('add', { a: 1, b: 1 });
    await until(() => mcp.sessions.size === 0);
  });

  it.each([
    ['fail', 'tool_error', 'No such city.'],
    ['unknown', 'tool_error', 'There is no unknown.'],
  ])('%s: what it calls an error is one', async (name, code, message) => {
    await expect(call(name)).rejects.toEqual(failure(code, message));
  });

  it('that hangs fails at its time limit', async () => {
    await expect(call('hang', {}, { timeout_ms: 300 })).rejects.toEqual(
      failure('timeout', expect.stringContaining('0.3 s')),
    );
  });

  it('that says too much fails at once', async () => {
    await expect(call('huge')).rejects.toEqual(failure('unreachable', expect.stringMatching(/more than|longer than/)));
  });

  it('is left at once when its run is stopped', async () => {
    const run = new AbortController();
    const calling = call('hang', {}, { context: toolContext({ signal: run.signal }) });
    const refused = expect(calling).rejects.toThrow();
    const asked = mcp.calls.length;
    await until(() => mcp.calls.length > asked);
    run.abort();
    await refused;
  });
});

describe('what is no MCP server', () => {
  const html = '<html>Hello</html>';
  const hostile: [string, string, Parameters<typeof startServer>[0]][] = [
    ['a page', 'http_error', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html)],
    ['a status', 'http_error', json({ error: 'no' }, 503)],
    [
      'broken JSON',
      'mcp_error',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"js'),
    ],
    ['JSON of another kind', 'mcp_error', json({ hello: 'world' })],
    [
      'an error',
      'mcp_error',
      (response, { body }) => json({ jsonrpc: '2.0', id: idOf(body), error: { code: 1, message: 'No.' } })(response),
    ],
    [
      'a version of its own',
      'unreachable',
      (response, { body }) => json(initialized(idOf(body), '1999-01-01'))(response),
    ],
    [
      'broken events',
      'mcp_error',
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"js\n\n'),
    ],
    [
      'too much',
      'unreachable',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('x'.repeat(2_000_000)),
    ],
    ['a redirect', 'http_error', (response) => response.writeHead(307, { location: mcp.url }).end()],
    ['a cut', 'unreachable', (response) => response.destroy()],
  ];

  it.each(hostile)('fails at once: %s', async (_, code, answer) => {
    const { url } = await serverOf(answer);
    const seen = mcp.seen.sessions;
    await expect(call('add', {}, { url, timeout_ms: 20_000 })).rejects.toEqual(failure(code));
    expect(mcp.seen.sessions).toBe(seen);
  });

  const stalling: [string, Parameters<typeof startServer>[0]][] = [
    ['silence', () => undefined],
    ['an endless stream', (response) => endless(response.writeHead(200, { 'content-type': 'text/event-stream' }))],
    [
      'a stream without an answer',
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hello\n\n'),
    ],
    ['acceptance', (response) => response.writeHead(202).end()],
    [
      'an answer to nobody',
      json({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } }),
    ],
  ];

  it.each(stalling)('fails within its time limit: %s', async (_, answer) => {
    const { url } = await serverOf(answer);
    await expect(call('add', {}, { url, timeout_ms: 300 })).rejects.toEqual(failure('timeout'));
  });

  it('is not asked at a private address', async () => {
    const refused = call('add', {}, { from: connector([]) });
    await expect(refused).rejects.toEqual(failure('url_not_allowed'));
  });
});

const idOf = (body: string): unknown => (JSON.parse(body || '{}') as { id?: unknown }).id;

const initialized = (id: unknown, protocolVersion: string) => ({
  jsonrpc: '2.0',
  id,
  result: { protocolVersion, capabilities: {}, serverInfo: { name: 'x', version: '1' } },
});

function endless(response: ServerResponse): void {
  const timer = setInterval(() => response.write(': still here\n\n'), 10);
  response.on('close', () => clearInterval(timer));
}

it('names a server’s tools as vendors accept it', () => {
  expect(combinedName('crm', 'find customer/by.name')).toBe('crm_find_customer_by_name');
  expect(combinedName('crm', 'x'.repeat(100))).toHaveLength(64);
});
