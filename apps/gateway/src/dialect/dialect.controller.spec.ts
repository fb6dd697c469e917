import { ProblemError, type Completion, type CompletionPiece } from '@taai/contracts';
import { dialects } from '@taai/dialects';
import { echo } from '@taai/dialects-testing';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';

const head = { call_id: 'c', provider: 'main', model: 'gpt', provider_ms: 0 };
const unknown = { input_tokens: null, cache_read_tokens: null, cache_write_tokens: null, output_tokens: null };
const usage = { ...unknown, reasoning_tokens: null, cost_micro_usd: null, is_estimated: true };
const end = { stop_reason: 'stop' as const, usage };
const pieces: CompletionPiece[] = [
  { type: 'head', ...head },
  { type: 'text', text: 'Hel' },
  { type: 'text', text: 'lo' },
  { type: 'end', ...end },
];

const json = { ...bearer, 'content-type': 'application/json' };
const question = { to: 'main/gpt', say: 'Hello' };

describe('a dialect that is added', () => {
  let edge: TestEdge;
  /** What breaks the stream off, and after how many pieces. */
  let failure: { error: Error; after: number } | undefined;

  async function* stream(): AsyncGenerator<string> {
    for (const [index, piece] of pieces.entries()) {
      if (failure?.after === index) throw failure.error;
      yield JSON.stringify(piece);
    }
  }

  const completion: Completion = { head, reply: { text: 'Hello', reasoning: '', tool_calls: [] }, end };

  beforeAll(async () => {
    const methods = { chat: async () => completion };
    edge = await startEdge({}, { methods, stream, dialects: [...dialects, echo] });
  });

  afterEach(() => (failure = undefined));
  afterAll(() => edge.close());

  const ask = (body: object | string, headers: Record<string, string> = json, path = '/v1/echo') =>
    edge.fetch(path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

  it('answers in its own words, and with the headers of all', async () => {
    const { status, text, headers } = await ask(question);
    expect([status, JSON.parse(text)]).toEqual([200, { from: 'main', says: 'Hello' }]);
    expect(headers.get('x-provider')).toBe('main');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('streams', async () => {
    const { status, text, headers } = await ask({ ...question, live: true });
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(text.trim().split('\n\n')).toEqual([
      'event: from\ndata: main',
      'event: says\ndata: "Hel"',
      'event: says\ndata: "lo"',
      'event: over\ndata: stop',
    ]);
  });

  it.each([
    ['a field at fault', { to: 'main/gpt', say: '' }, json, 400, { oops: 'validation_failed', where: 'say' }],
    ['a body that is none', '[]', json, 400, { oops: 'malformed_request' }],
    ['half a body', '{"to":', json, 400, { oops: 'malformed_request' }],
    ['nobody', question, { 'content-type': 'application/json' }, 401, { oops: 'unauthenticated' }],
  ])('refuses %s in its own shape', async (_, body, headers, status, answer) => {
    const refusal = await ask(body, headers);
    expect([refusal.status, JSON.parse(refusal.text)]).toEqual([status, answer]);
    expect(refusal.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('tells in its own shape what fails, before the answer begins and after', async () => {
    failure = { error: new ProblemError('rate_limited', 'Slower.', { retry_after: 7 }), after: 0 };
    const refused = await ask({ ...question, live: true });
    expect([refused.status, JSON.parse(refused.text)]).toEqual([429, { oops: 'rate_limited' }]);
    expect(refused.headers.get('retry-after')).toBe('7');
    failure = { error: new ProblemError('replica_lost'), after: 2 };
    const { status, text } = await ask({ ...question, live: true });
    expect([status, text.trim().split('\n\n').at(-1)]).toEqual([200, 'event: oops\ndata: {"oops":"replica_lost"}']);
  });

  it('changes no other route', async () => {
    const { text } = await ask({}, json, '/v1/embeddings');
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'validation_failed', param: 'model' } });
  });
});
