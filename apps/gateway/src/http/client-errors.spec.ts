import { bearer, EVENTS_PATH, startEdge, type TestEdge } from './http.testing';

const HEAD = `Host: gateway\r\nConnection: close\r\nAuthorization: ${bearer.authorization}\r\n`;
const JSON_HEAD = `${HEAD}Content-Type: application/json\r\n`;
const header = (count: number) => 'x: y\r\n'.repeat(count);
const QUICK = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 20 };

/** Words by which a scanner would know what we are made of. */
const BANNER = /fastify|nest|express|node\.?js|FST_|HPE_|x-powered-by|^server:|Cannot (GET|POST|TRACE)|\n {4}at /im;

describe('requests that never reach a route', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    const call = () => Promise.reject(new Error('password is hunter2'));
    edge = await startEdge({ bodyLimitBytes: 1000 }, { call, timeouts: QUICK });
  });

  afterAll(() => edge.close());

  it.each([
    ['an unknown path', `GET /v1/nothing HTTP/1.1\r\n${HEAD}\r\n`, 404, 'not_found'],
    ['a path outside of the API', `GET /admin.php HTTP/1.1\r\n${HEAD}\r\n`, 404, 'not_found'],
    [
      'a file that the documentation lacks',
      `GET /docs/../../etc/passwd HTTP/1.1\r\n${HEAD}\r\n`,
      400,
      'malformed_request',
    ],
    ['a verb that the path lacks', `DELETE /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`, 405, 'method_not_allowed'],
    ['TRACE', `TRACE /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`, 405, 'method_not_allowed'],
    ['PROPFIND', `PROPFIND /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`, 405, 'method_not_allowed'],
    ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HEAD}\r\n`, 404, 'not_found'],
    ['a target without a slash', `GET *tasks HTTP/1.1\r\n${HEAD}\r\n`, 404, 'not_found'],
    ['an invented verb', `PILFER /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`, 400, 'malformed_request'],
    ['broken escapes in the path', `GET /v1/tasks/%zz HTTP/1.1\r\n${HEAD}\r\n`, 400, 'malformed_request'],
    ['escapes that are not UTF-8', `GET /v1/tasks/%ff%fe HTTP/1.1\r\n${HEAD}\r\n`, 400, 'malformed_request'],
    ['an endless id', `GET /v1/tasks/${'x'.repeat(200)} HTTP/1.1\r\n${HEAD}\r\n`, 414, 'uri_too_long'],
    ['an endless query', `GET /v1/tasks?q=${'x'.repeat(9000)} HTTP/1.1\r\n${HEAD}\r\n`, 414, 'uri_too_long'],
    ['a URL over 16 KB', `GET /v1/tasks?q=${'x'.repeat(20_000)} HTTP/1.1\r\n${HEAD}\r\n`, 431, 'headers_too_large'],
    [
      'a header over 16 KB',
      `GET /v1/tasks HTTP/1.1\r\n${HEAD}x: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['101 headers', `GET /v1/tasks HTTP/1.1\r\n${HEAD}${header(98)}\r\n`, 431, 'headers_too_large'],
    ['1,000 headers', `GET /v1/tasks HTTP/1.1\r\n${HEAD}${header(1000)}\r\n`, 431, 'headers_too_large'],
    ['no host', 'GET /v1/tasks HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
    ['two hosts', `GET /v1/tasks HTTP/1.1\r\nHost: other\r\n${HEAD}\r\n`, 400, 'malformed_request'],
    ['two tokens', `GET /v1/tasks HTTP/1.1\r\nAuthorization: other\r\n${HEAD}\r\n`, 400, 'malformed_request'],
    [
      'two types of a body',
      `POST /v1/tasks HTTP/1.1\r\nContent-Type: text/xml\r\n${JSON_HEAD}Content-Length: 2\r\n\r\n{}`,
      400,
      'malformed_request',
    ],
    ['an unknown expectation', `GET /v1/tasks HTTP/1.1\r\nExpect: miracles\r\n${HEAD}\r\n`, 500, 'internal'],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'malformed_request'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request'],
    ['a header with a NUL', `GET /v1/tasks HTTP/1.1\r\n${HEAD}x: a\0b\r\n\r\n`, 400, 'malformed_request'],
    [
      'a body of two lengths',
      `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      400,
      'malformed_request',
    ],
    [
      'a body of a length and in chunks',
      `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      400,
      'malformed_request',
    ],
    [
      'half a body of JSON',
      `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 5\r\n\r\n{"a":`,
      400,
      'malformed_request',
    ],
    ['an empty body', `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 0\r\n\r\n`, 400, 'malformed_request'],
    [
      'too long a body',
      `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 1001\r\n\r\n`,
      413,
      'payload_too_large',
    ],
    [
      'too long a body in chunks',
      `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n400\r\n${' '.repeat(1024)}\r\n`,
      413,
      'payload_too_large',
    ],
    [
      'a body that is no JSON',
      `POST /v1/tasks HTTP/1.1\r\n${HEAD}Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>`,
      415,
      'unsupported_media_type',
    ],
    ['a failure of ours', `GET /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`, 500, 'internal'],
    ['headers that never end', 'GET /v1/tasks HTTP/1.1\r\nHost: gateway\r\nx: y', 408, 'request_timeout'],
    [
      'a body that never comes',
      `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 9\r\n\r\n{`,
      408,
      'request_timeout',
    ],
    ['a connection without a byte', '', 408, 'request_timeout'],
  ])('%s', async (_, bytes, status, code) => {
    const answer = await edge.send(bytes);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(`HTTP/1.1 ${status} `);
    expect(head).toMatch(/^content-type: application\/problem\+json/im);
    expect(head).toMatch(/^cache-control: no-store/im);
    expect(head).toMatch(/^x-content-type-options: nosniff/im);
    expect(head).toMatch(/^connection: close/im);
    const [, requestId] = /^x-request-id: (.+)$/im.exec(head) ?? [];
    expect(JSON.parse(body)).toMatchObject({ status, code, request_id: requestId });
    expect(answer).not.toMatch(BANNER);
    expect(answer).not.toContain('hunter2');
  });

  it('of another method are told those that there are', async () => {
    const allowed = async (path: string) =>
      (await edge.fetch(path, { method: 'PUT', headers: bearer })).headers.get('allow');
    expect(await allowed('/v1/tasks')).toBe('GET, HEAD, POST');
    expect(await allowed('/v1/tasks/7?x=/')).toBe('DELETE, GET, HEAD, PATCH');
    expect(await allowed('/v1/tasks/')).toBeNull();
  });

  it('leave the edge at work', async () => {
    for (const path of ['/health', '/health/live']) expect((await edge.fetch(path)).status).toBe(200);
  });
});

describe('slow ones', () => {
  let edge: TestEdge;

  afterEach(() => edge.close());

  const slowSender = `POST /v1/tasks HTTP/1.1\r\n${JSON_HEAD}Content-Length: 9\r\n\r\n{`;

  it('an answer or a stream may take longer than a request', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    async function* events() {
      yield { id: 1, type: 'token', data: {} };
      yield { id: 2, type: 'run.completed', data: await promise };
    }
    edge = await startEdge({}, { call: () => promise, events, timeouts: QUICK });
    const answers = [
      edge.send(`GET /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`),
      edge.send(`GET ${EVENTS_PATH} HTTP/1.1\r\n${HEAD}\r\n`),
    ];
    expect(await edge.send(slowSender)).toMatch(/^HTTP\/1.1 408 /);
    resolve('{"late":true}');
    expect(await answers[0]).toMatch(/^HTTP\/1.1 200 .*\{"late":true\}$/s);
    expect(await answers[1]).toMatch(/^HTTP\/1.1 200 .*event: run.completed/s);
  });

  it('a stream that has begun is not answered a second time', async () => {
    const cut = Promise.withResolvers<void>();
    async function* events() {
      yield { id: 1, type: 'token', data: {} };
      await cut.promise;
    }
    edge = await startEdge({}, { events });
    const socket = edge.connect();
    socket.write(`GET ${EVENTS_PATH} HTTP/1.1\r\n${HEAD.replace('close', 'keep-alive')}\r\n`);
    let text = '';
    for await (const chunk of socket) {
      text += chunk;
      if (text.includes('event: token')) socket.write('no request\r\n\r\n');
    }
    cut.resolve();
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('an exchange where nothing moves is cut', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    edge = await startEdge({}, { call: () => promise, timeouts: { connectionTimeout: 50 } });
    expect(await edge.send(`GET /v1/tasks HTTP/1.1\r\n${HEAD}\r\n`)).toBe('');
    resolve('{}');
  });

  it('a connection without a further request is closed', async () => {
    edge = await startEdge({}, { timeouts: { keepAliveTimeout: 1 } });
    const answer = await edge.send(`GET /v1/tasks HTTP/1.1\r\n${HEAD.replace('close', 'keep-alive')}\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });
});
