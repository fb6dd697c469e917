import { LLMock } from '@copilotkit/aimock';
import { ProviderError } from '../provider-error';
import { refuse, replay } from '../recorded.testing';
import { createProvider } from '../registry';
import type { ChatEvent } from '../types';
import { ask, chunk, collect, drain, finish, sse, startWire, type Exchanged } from '../wire.testing';

const KEY = 'sk-canary-0123456789';
const limits = { timeout_ms: 10_000 };

const mock = new LLMock({ port: 0 });
beforeAll(() => mock.start());
afterAll(() => mock.stop());

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

const adapter = (base_url = `${mock.url}/v1`) => createProvider('openai', { base_url, api_key: KEY });

async function wire(answer: (exchanged: Exchanged) => void) {
  const server = await startWire(answer);
  closers.push(server.close);
  return adapter(server.url);
}

describe('chat', () => {
  it('streams text and then says why it stopped and what it used', async () => {
    mock.onMessage(
      'stream please',
      { content: 'one two three', usage: { prompt_tokens: 11, completion_tokens: 3 } },
      { chunkSize: 4 },
    );
    const events: ChatEvent[] = [];
    for await (const event of adapter().stream(ask('stream please'), limits)) events.push(event);
    const usage = {
      input_tokens: 11,
      cache_read_tokens: null,
      cache_write_tokens: null,
      output_tokens: 3,
      reasoning_tokens: null,
    };
    expect(events).toEqual([
      { type: 'text', text: 'one ' },
      { type: 'text', text: 'two ' },
      { type: 'text', text: 'thre' },
      { type: 'text', text: 'e' },
      { type: 'usage', usage },
      { type: 'finish', stop_reason: 'stop', usage },
    ]);
  });

  it('answers at once for those who do not stream', async () => {
    mock.onMessage('collect please', { content: 'the whole answer' });
    expect(await collect(adapter().stream(ask('collect please'), limits))).toMatchObject({
      text: 'the whole answer',
      stop_reason: 'stop',
    });
  });

  it('sends system prompt, turns and parameters in the wire format', async () => {
    mock.onMessage('turn three', { content: 'yes' });
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'turn one' },
      { role: 'assistant' as const, content: 'turn two' },
      { role: 'user' as const, content: 'turn three' },
    ];
    await collect(adapter().stream({ model: 'gpt-x', messages, temperature: 0.2, max_output_tokens: 99 }, limits));
    const sent = mock.getRequests().find(({ body }) => body?.model === 'gpt-x');
    expect(sent?.body).toMatchObject({
      messages,
      temperature: 0.2,
      max_completion_tokens: 99,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('reports cached and reasoning tokens apart', async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 30, cache_write_tokens: 10 },
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    mock.onMessage('think', { content: 'done', usage });
    // aimock sends the details under OpenRouter's address, in the same format.
    const reply = await collect(adapter(`${mock.url}/api/v1`).stream(ask('think'), limits));
    expect(reply.usage).toEqual({
      input_tokens: 60,
      cache_read_tokens: 30,
      cache_write_tokens: 10,
      output_tokens: 30,
      reasoning_tokens: 20,
    });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_calls'],
    ['function_call', 'tool_calls'],
    ['eos', 'other'],
    ['constructor', 'other'],
  ])('takes the reason %s for %s', async (sent, stop_reason) => {
    const provider = await wire(({ response }) => sse(response).end(chunk('x') + finish(sent)));
    expect(await collect(provider.stream(ask('x'), limits))).toEqual({ text: 'x', stop_reason, usage: null });
  });

  it('takes the words of a refusal for the answer', async () => {
    const provider = await wire(replay('openai/refusal.sse'));
    expect(await collect(provider.stream(ask('x'), limits))).toMatchObject({
      text: "I'm sorry, I can't help with that.",
      stop_reason: 'stop',
    });
  });

  it('does not take an answer that is done without a reason for whole', async () => {
    const provider = await wire(({ response }) => sse(response).end(`${chunk('half')}data: [DONE]\n\n`));
    const cut = { text: 'half', error: { code: 'unavailable' } };
    expect(await drain(provider.stream(ask('x'), limits))).toMatchObject(cut);
  });

  it('tells nothing of its environment to a provider', async () => {
    process.env.OPENAI_ORG_ID = 'org-operator';
    process.env.OPENAI_PROJECT_ID = 'proj-operator';
    const seen: Exchanged['request'][] = [];
    const provider = await wire(({ request, response }) => {
      seen.push(request);
      sse(response).end(chunk('x') + finish('stop'));
    });
    delete process.env.OPENAI_ORG_ID;
    delete process.env.OPENAI_PROJECT_ID;
    await collect(provider.stream(ask('x'), limits));
    expect(seen[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(JSON.stringify(seen[0]?.headers)).not.toContain('operator');
  });
});

describe('models', () => {
  it('lists names', async () => {
    const provider = await wire(({ request, response }) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ object: 'list', data: [{ id: request.url }, { id: 'b' }, { name: 'no id' }, null] }),
      );
    });
    expect(await provider.models(limits)).toEqual(['/v1/models', 'b']);
  });

  it.each([
    ['HTML', 'text/html', '<html>Welcome</html>'],
    ['no list', 'application/json', '{"data":{}}'],
    ['broken JSON', 'application/json', '{"data":['],
    ['nothing', 'application/json', ''],
  ])('fails on %s', async (_name, type, body) => {
    const provider = await wire(({ response }) => response.setHeader('content-type', type).end(body));
    await expect(provider.models(limits)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('errors', () => {
  it.each([
    ['filter', 400, 'content_filter'],
    ['quota', 429, 'auth'],
  ])('call the refusal "%s" by the common name', async (name, status, code) => {
    const provider = await wire(refuse('openai', name));
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({ code, status });
  });

  it('keeps how long a rate limit asks to wait', async () => {
    mock.onMessage('too fast', { error: { message: 'slow down' }, status: 429, retryAfter: 7 });
    const { error } = await drain(adapter().stream(ask('too fast'), limits));
    expect(error).toMatchObject({ name: 'ProviderError', code: 'rate_limited', status: 429, retry_after_ms: 7000 });
  });

  it.each([
    [500, {}, {}, 'unavailable', 'The provider could not be reached, or broke off its answer.'],
    [502, 'Bad gateway', {}, 'unavailable', 'The provider could not be reached, or broke off its answer.'],
    [
      500,
      { code: 'constructor', type: 'toString' },
      {},
      'unavailable',
      'The provider could not be reached, or broke off its answer.',
    ],
    [503, {}, { 'retry-after': '2' }, 'overloaded', 'The provider is overloaded.'],
    [529, {}, {}, 'overloaded', 'The provider is overloaded.'],
    [401, { message: `Incorrect API key provided: ${KEY}` }, {}, 'auth', 'The provider refused the credential.'],
    [403, {}, {}, 'auth', 'The provider refused the credential.'],
    [429, { code: 'insufficient_quota' }, {}, 'auth', 'The provider refused the credential.'],
    [
      404,
      { message: 'The model `m` does not exist' },
      {},
      'invalid_request',
      'The provider refused the request: The model `m` does not exist',
    ],
    [400, {}, {}, 'invalid_request', 'The provider refused the request.'],
    [
      400,
      { message: `bad header ${KEY}\n` },
      {},
      'invalid_request',
      'The provider refused the request: bad header [secret] ',
    ],
    [400, { code: 'context_length_exceeded' }, {}, 'context_length', 'The conversation is too long for the model.'],
    [400, { code: 'content_filter' }, {}, 'content_filter', "The provider's content filter refused the request."],
    [
      302,
      {},
      { location: 'http://127.0.0.1:1/' },
      'unavailable',
      'The provider could not be reached, or broke off its answer.',
    ],
  ] as const)('maps %s %j', async (status, wire_error, headers, code, message) => {
    let calls = 0;
    const provider = await wire(({ response }) => {
      calls++;
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify({ error: wire_error }));
    });
    const { error } = await drain(provider.stream(ask('x'), limits));
    expect(error).toEqual(new ProviderError(code, message));
    expect(error).toMatchObject({ code, status });
    expect(calls).toBe(1);
  });

  it.each([
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': '-3' }, 0],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': 'Infinity' }, null],
    [{ 'retry-after-ms': 'Infinity' }, null],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{}, null],
  ])('reads %j', async (headers, retry_after_ms) => {
    const provider = await wire(({ response }) => response.writeHead(429, headers).end());
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      code: 'rate_limited',
      retry_after_ms,
    });
  });

  it.each(['rate_limit_exceeded', 429])('are understood within a stream: %s', async (code) => {
    const failure = `data: ${JSON.stringify({ error: { message: 'slow', code } })}\n\n`;
    const provider = await wire(({ response }) => sse(response).end(chunk('half') + failure));
    expect(await drain(provider.stream(ask('x'), limits))).toMatchObject({
      text: 'half',
      error: { code: 'rate_limited', status: null },
    });
  });

  it('never hold the key', async () => {
    const provider = await wire(({ request, response }) => {
      const error = {
        message: `no ${request.headers.authorization}`,
        code: 'outbound_refused',
        cause: { message: KEY },
        key: KEY,
      };
      const echo = JSON.stringify({ error });
      response.writeHead(400, { 'content-type': 'application/json', 'x-echo': KEY }).end(echo);
    });
    const { error } = await drain(provider.stream(ask('x'), limits));
    expect(error).toMatchObject({ message: 'The provider refused the request: no Bearer [secret]' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack)).not.toContain(
      KEY,
    );
    expect(error).not.toHaveProperty('cause');
  });
});

describe('createProvider', () => {
  it.each(['nobody', 'constructor', '__proto__'])('knows no kind %s', (kind) => {
    expect(() => createProvider(kind, { api_key: KEY })).toThrow(
      new ProviderError('invalid_request', `There is no adapter for providers of the kind "${kind}".`),
    );
  });
});
