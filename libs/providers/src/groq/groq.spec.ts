import { events, KEY, refuse, replay, vendor } from '../recorded.testing';
import { createProvider } from '../registry';
import { ask, collect, drain, startWire, type Exchanged } from '../wire.testing';

const limits = { timeout_ms: 10_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function groq(answer: (exchanged: Exchanged) => void) {
  const served = await vendor('groq', answer);
  closers.push(served.close);
  return served;
}

it('tells thoughts from the answer, and counts them apart', async () => {
  const { provider, body } = await groq(replay('groq/reasoning.sse'));
  const usage = {
    input_tokens: 72,
    cache_read_tokens: 0,
    cache_write_tokens: null,
    output_tokens: 26,
    reasoning_tokens: 64,
  };
  const request = { ...ask('Why?'), reasoning_effort: 'minimal' as const, max_output_tokens: 99, seed: 7, user: 'u' };
  expect(await events(provider.stream(request, limits))).toEqual([
    { type: 'reasoning', text: 'The user' },
    { type: 'reasoning', text: ' asks.' },
    { type: 'text', text: 'Because' },
    { type: 'text', text: ' of scattering.' },
    { type: 'usage', usage },
    { type: 'finish', stop_reason: 'stop', usage },
  ]);
  expect(await body()).toEqual({
    model: 'm',
    messages: [{ role: 'user', content: 'Why?' }],
    reasoning_effort: 'low',
    max_completion_tokens: 99,
    seed: 7,
    user: 'u',
    stream: true,
    stream_options: { include_usage: true },
  });
});

it('asks for JSON by a schema', async () => {
  const { provider, body } = await groq(replay('groq/text.sse'));
  const answer = { name: 'answer', schema: { type: 'object' } };
  await collect(provider.stream({ ...ask('x'), response_format: { type: 'json_schema', ...answer } }, limits));
  expect(await body()).toMatchObject({ response_format: { type: 'json_schema', json_schema: answer } });
});

it('fails when the provider breaks off in its own way', async () => {
  const { provider } = await groq(replay('groq/broken-off.sse'));
  expect(await drain(provider.stream(ask('x'), limits))).toMatchObject({
    text: 'The',
    error: { code: 'unavailable', message: 'The provider broke off its answer.' },
  });
});

it.each(['rate_limit_exceeded', 429])('understands an error within a stream: %s', async (code) => {
  const { provider } = await groq(({ response }) => {
    response.setHeader('content-type', 'text/event-stream');
    response.end(`data: ${JSON.stringify({ error: { message: 'slow', code } })}\n\n`);
  });
  expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({ code: 'rate_limited', status: null });
});

it.each([
  // More than an account may send in a minute: it never succeeds.
  ['too_large', 413, 'invalid_request', 'please reduce your message size'],
  ['capacity', 498, 'overloaded', 'The provider is overloaded.'],
  ['tool', 400, 'invalid_request', 'Failed to call a function.'],
])('knows the refusal "%s"', async (name, status, code, words) => {
  const { provider } = await groq(refuse('groq', name));
  expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
    code,
    status,
    message: expect.stringContaining(words) as unknown,
  });
});

it('offers no embeddings, and asks for none', async () => {
  const { provider, exchanges } = await groq(() => undefined);
  await expect(provider.embed({ model: 'm', input: ['x'] }, limits)).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'The provider offers no embeddings.',
  });
  expect(exchanges).toEqual([]);
});

it.each(['', '/', '/openai/v1', '/openai/v1/'])('takes an address that ends with %j', async (end) => {
  const server = await startWire(replay('groq/models.json'));
  closers.push(server.close);
  const base_url = server.url.replace('/v1', '') + end;
  expect(await createProvider('groq', { base_url, api_key: KEY }).models(limits)).toHaveLength(2);
});

it.each(['', 'with space', 'line\nbreak'])('refuses the key %j without quoting it', (api_key) => {
  expect(() => createProvider('groq', { api_key })).toThrow(
    expect.objectContaining({ code: 'auth', message: 'The API key is empty or has characters that no key has.' }),
  );
});
