import { setTimeout as delay } from 'node:timers/promises';
import { ProblemError, type Completion, type CompletionPiece, type EmbeddingPiece } from '@taai/contracts';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';

const CALL_ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
const head = { call_id: CALL_ID, provider: 'main', model: 'gpt', provider_ms: 0 };
const usage = {
  input_tokens: 5,
  cache_read_tokens: 2,
  cache_write_tokens: null,
  output_tokens: 3,
  reasoning_tokens: 1,
  cost_micro_usd: 42,
  is_estimated: false,
};
const end = { stop_reason: 'stop' as const, usage };
const openAiUsage = {
  prompt_tokens: 7,
  completion_tokens: 4,
  total_tokens: 11,
  prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 1 },
};

const json = { ...bearer, 'content-type': 'application/json' };
const question = { model: 'main/gpt', messages: [{ role: 'user', content: 'Hi' }] };

const begin = { type: 'head' as const, ...head };
const finish = { type: 'end' as const, ...end };
const says = (text: string) => ({ type: 'text' as const, text });

/** What stands behind the edge; each test says anew. */
let chat: () => Promise<Completion>;
let pieces: (signal: AbortSignal) => AsyncIterable<CompletionPiece | EmbeddingPiece>;

async function* raw(signal: AbortSignal): AsyncGenerator<string> {
  for await (const piece of pieces(signal)) yield JSON.stringify(piece);
}

describe("OpenAI's API", () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge({ bodyLimitBytes: 1000 }, { methods: { chat: () => chat() }, stream: raw });
  });

  afterAll(() => edge.close());

  const post = (body: unknown, path = '/v1/chat/completions', headers: Record<string, string> = json) =>
    edge.fetch(path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

  const chunksOf = (text: string) =>
    text
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice('data: '.length)));

  it('answers as OpenAI does, and says who answered, at what cost', async () => {
    chat = async () => ({
      head,
      reply: { text: '', reasoning: 'Hm.', tool_calls: [{ id: 'c1', name: 'time', arguments: '{}' }] },
      end: { ...end, stop_reason: 'tool_calls' },
    });
    const answer = await post(question);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      id: `chatcmpl-${CALL_ID}`,
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'main/gpt',
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: null,
            refusal: null,
            reasoning_content: 'Hm.',
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'time', arguments: '{}' } }],
          },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
      ],
      usage: openAiUsage,
    });
    expect(answer.headers.get('x-provider')).toBe('main');
    expect(answer.headers.get('x-model')).toBe('gpt');
    expect(answer.headers.get('x-cost-micro-usd')).toBe('42');
    expect(Number(answer.headers.get('x-overhead-ms'))).toBeGreaterThan(0);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
  });

  it('streams chunks', async () => {
    pieces = async function* () {
      yield* [begin, says('Hel'), says('lo'), finish];
    };
    const { status, headers, text } = await post({ ...question, stream: true });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(headers.get('x-provider')).toBe('main');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const chunks = chunksOf(text);
    expect(chunks.map(({ choices }) => choices[0])).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: 'Hel' }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: 'lo' }, logprobs: null, finish_reason: null },
      { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' },
    ]);
    for (const chunk of chunks)
      expect(chunk).toMatchObject({ id: `chatcmpl-${CALL_ID}`, object: 'chat.completion.chunk', model: 'main/gpt' });
    expect(text).not.toContain('usage');
  });

  it('streams the usage with its cost, when asked to', async () => {
    pieces = async function* () {
      yield* [begin, says('Hi'), finish];
    };
    const { text } = await post({ ...question, stream: true, stream_options: { include_usage: true } });
    const chunks = chunksOf(text);
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: openAiUsage, cost_micro_usd: 42 });
  });

  it('answers what fails before the first piece with a status, in both ways', async () => {
    const problem = new ProblemError('rate_limited', 'Slower.', { retry_after: 7 });
    chat = () => Promise.reject(problem);
    // eslint-disable-next-line require-yield
    pieces = async function* () {
      throw problem;
    };
    for (const stream of [false, true]) {
      const answer = await post({ ...question, stream });
      expect(answer.status).toBe(429);
      expect(answer.headers.get('retry-after')).toBe('7');
      expect(JSON.parse(answer.text)).toEqual({
        error: { message: 'Slower.', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' },
      });
    }
  });

  it('tells of a provider that fails in the middle, and what was used', async () => {
    pieces = async function* () {
      yield* [begin, says('Hi')];
      yield { ...finish, problem: new ProblemError('provider_timeout', 'Silence.').toJSON() };
    };
    const { text } = await post({ ...question, stream: true, stream_options: { include_usage: true } });
    expect(text).not.toContain('[DONE]');
    const [used, failed] = chunksOf(text).slice(-2);
    expect(used).toMatchObject({ usage: openAiUsage });
    expect(failed).toEqual({
      error: { message: 'Silence.', type: 'server_error', param: null, code: 'provider_timeout' },
    });
  });

  it('tells of a replica that is lost in the middle', async () => {
    pieces = async function* () {
      yield* [begin, says('Hi')];
      throw new ProblemError('replica_lost');
    };
    const { text } = await post({ ...question, stream: true });
    expect(chunksOf(text).at(-1)).toMatchObject({ error: { code: 'replica_lost' } });
    expect(text).not.toContain('[DONE]');
  });

  it('ends the call when its client leaves', async () => {
    const left = new Promise((resolve) => {
      pieces = async function* (signal) {
        yield begin;
        signal.addEventListener('abort', () => resolve(signal.reason));
        for (;;) {
          yield says('more ');
          await delay(5, undefined, { signal });
        }
      };
    });
    const cut = new AbortController();
    const body = JSON.stringify({ ...question, stream: true });
    const reading = edge.fetch('/v1/chat/completions', { method: 'POST', headers: json, body, signal: cut.signal });
    setTimeout(() => cut.abort(), 50);
    await expect(reading).rejects.toThrow('aborted');
    expect(await left).toMatchObject({ code: 'cancelled' });
  });

  it('asks for no more than its client reads', async () => {
    let asked = 0;
    pieces = async function* (signal) {
      yield begin;
      for (; !signal.aborted; asked += 1) yield says('x'.repeat(10_000));
    };
    const socket = edge.connect();
    const body = JSON.stringify({ ...question, stream: true });
    socket.pause();
    const lines = ['POST /v1/chat/completions HTTP/1.1', 'host: gateway', `authorization: ${bearer.authorization}`];
    socket.write([...lines, 'content-type: application/json', `content-length: ${body.length}`, '', body].join('\r\n'));
    // It stops when the buffers between the two are full; what those hold, the system decides.
    let before = -1;
    while (asked === 0 || asked > before) {
      before = asked;
      await delay(100);
    }
    expect(asked).toBeLessThan(5000);
    socket.destroy();
  });

  it('answers vectors', async () => {
    pieces = async function* () {
      yield* [
        { ...begin, usage },
        { type: 'vector' as const, vector: [0.5, -1] },
        { type: 'vector' as const, vector: 'AAAA' },
      ];
    };
    const answer = await post({ model: 'main/gpt', input: ['a', 'b'] }, '/v1/embeddings');
    expect(answer.headers.get('x-cost-micro-usd')).toBe('42');
    expect(JSON.parse(answer.text)).toEqual({
      object: 'list',
      model: 'main/gpt',
      usage: { prompt_tokens: 7, total_tokens: 11 },
      data: [
        { object: 'embedding', index: 0, embedding: [0.5, -1] },
        { object: 'embedding', index: 1, embedding: 'AAAA' },
      ],
    });
  });

  describe('speaks as OpenAI does of', () => {
    const errorOf = (text: string) => JSON.parse(text).error;

    it.each([
      ['a caller without credentials', question, { 'content-type': 'application/json' }, 401, 'invalid_api_key', null],
      ['a field at fault', { ...question, n: 2 }, json, 400, 'validation_failed', 'n'],
      ['half a body', '{"model":', json, 400, 'malformed_request', null],
      ['a body that is a list', [question], json, 400, 'malformed_request', null],
      ['a body that poisons', '{"__proto__":{}}', json, 400, 'malformed_request', null],
      [
        'a body of another type',
        '<a/>',
        { ...bearer, 'content-type': 'text/xml' },
        415,
        'unsupported_media_type',
        null,
      ],
      ['a body that is too long', { ...question, user: 'x'.repeat(1000) }, json, 413, 'payload_too_large', null],
    ])('%s', async (_, body, headers, status, code, param) => {
      const answer = await post(body, '/v1/chat/completions', headers);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(answer.headers.get('x-request-id')).toBeTruthy();
      expect(errorOf(answer.text)).toEqual({
        message: expect.any(String),
        type: expect.any(String),
        code,
        param,
      });
    });

    it.each([
      ['a verb that the path lacks', '/v1/chat/completions', 405, 'method_not_allowed'],
      ['a path below', '/v1/chat/completions/7', 404, 'not_found'],
      ['broken escapes', '/v1/models/%zz', 400, 'malformed_request'],
      ['an endless id', `/v1/models/${'x'.repeat(200)}`, 414, 'uri_too_long'],
      ['an endless query', `/v1/models?x=${'x'.repeat(9000)}`, 414, 'uri_too_long'],
      ['a parameter that does not exist', '/v1/models?x=1', 400, 'validation_failed'],
    ])('%s', async (_, path, status, code) => {
      const answer = await edge.fetch(path, { headers: bearer });
      expect(answer.status).toBe(status);
      expect(errorOf(answer.text)).toMatchObject({ code });
    });
  });
});
