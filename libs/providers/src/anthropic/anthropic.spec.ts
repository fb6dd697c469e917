import { ProviderError } from '../provider-error';
import { createProvider } from '../registry';
import type { ChatRequest } from '../types';
import { all, answerJson, bodyOf, fullRequest, KEY, limits, replay, wires } from '../anthropic-google.testing';
import { ask, collect, drain, sse, type Exchanged } from '../wire.testing';

const { start, closeAll } = wires('anthropic');
afterEach(closeAll);

const text = (exchanged: Exchanged) => replay(exchanged, 'anthropic/text.sse');

/** The body that a request becomes. */
async function sent(request: ChatRequest) {
  const { provider, seen } = await start(text);
  await all(provider.stream(request, limits));
  return bodyOf(seen);
}

describe('chat', () => {
  it('streams text and tells what was used, caches apart', async () => {
    const { provider } = await start(text);
    const prompt = { input_tokens: 25, cache_read_tokens: 1000, cache_write_tokens: 120 };
    const usage = { ...prompt, output_tokens: 15, reasoning_tokens: null };
    expect(await all(provider.stream(ask('x'), limits))).toEqual([
      { type: 'usage', usage: { ...prompt, output_tokens: null, reasoning_tokens: null } },
      { type: 'text', text: 'Hello' },
      { type: 'text', text: ', wörld' },
      { type: 'text', text: '!' },
      { type: 'usage', usage },
      { type: 'finish', stop_reason: 'stop', usage },
    ]);
  });

  it('streams thoughts and parallel calls, and takes the thoughts back with the calls', async () => {
    const { provider, seen } = await start((exchanged) => replay(exchanged, 'anthropic/thinking-tools.sse'));
    const events = await all(provider.stream(ask('x'), limits));
    const thoughts = [
      {
        type: 'thinking',
        thinking: 'Both cities are asked for, so I call twice.',
        signature: 'EsECCokBCBAYAipA9i3HF1aHpQ==',
      },
      { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix/LafPsn4a' },
    ];
    const between = [{ type: 'thinking', thinking: '', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' }];
    const [first, second] = [JSON.stringify(thoughts), JSON.stringify(between)];
    const usage = {
      input_tokens: 472,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      output_tokens: 127,
      reasoning_tokens: 62,
    };
    expect(events.filter(({ type }) => type !== 'usage')).toEqual([
      { type: 'reasoning', text: 'Both cities are asked for,' },
      { type: 'reasoning', text: ' so I call twice.' },
      { type: 'text', text: 'Let me look.' },
      { type: 'tool_call', index: 0, id: 'toolu_01T1x1fJ34qAmk2tNTrN7Up6', name: 'get_weather', opaque: first },
      { type: 'tool_arguments', index: 0, text: '{"location":' },
      { type: 'tool_arguments', index: 0, text: ' "San' },
      { type: 'tool_arguments', index: 0, text: ' Francisco"}' },
      { type: 'tool_call', index: 1, id: 'toolu_01A09q90qw90lq917835lq9', name: 'get_time', opaque: second },
      { type: 'tool_arguments', index: 1, text: '{}' },
      { type: 'finish', stop_reason: 'tool_calls', usage },
    ]);

    const tool_calls = [
      { id: 'toolu_1', name: 'get_weather', arguments: '{"location":"Bern"}', opaque: first },
      { id: 'toolu_2', name: 'get_time', arguments: '{}', opaque: second },
    ];
    const reply = { role: 'assistant' as const, content: 'Let me look.', tool_calls };
    await all(provider.stream({ model: 'm', messages: [reply] }, limits));
    expect(JSON.parse(seen[1]?.body ?? '').messages).toEqual([
      {
        role: 'assistant',
        content: [
          ...thoughts,
          { type: 'text', text: 'Let me look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { location: 'Bern' } },
          ...between,
          { type: 'tool_use', id: 'toolu_2', name: 'get_time', input: {} },
        ],
      },
    ]);
  });

  it.each(['AY89a19Ysn==', '[', '{}', '[null, {"type":"thinking"}, {"type":"text","text":"x"}]'])(
    'sends no thoughts of another vendor: %s',
    async (opaque) => {
      const tool_calls = [{ id: 'c', name: 'f', arguments: '[1]', opaque }];
      const { messages } = await sent({ model: 'm', messages: [{ role: 'assistant', content: '', tool_calls }] });
      expect(messages).toEqual([{ role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'f', input: {} }] }]);
    },
  );

  it('sends system, turns, images, tools and their results in the wire format', async () => {
    const { provider, seen } = await start(text);
    await all(provider.stream(fullRequest, limits));
    expect(seen[0]?.request).toMatchObject({ method: 'POST', url: '/v1/messages' });
    expect(bodyOf(seen)).toEqual({
      model: 'm-5',
      max_tokens: 99,
      stream: true,
      system: 'Be brief.\n\nBe kind.',
      stop_sequences: ['END'],
      metadata: { user_id: 'user-1' },
      tools: [
        { name: 'get_weather', description: 'Tells the weather.', input_schema: fullRequest.tools?.[0]?.input_schema },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'one' },
            { type: 'text', text: 'two' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGVsbG8=' } },
            {
              type: 'document',
              title: 'a.pdf',
              source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' },
            },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'three' },
            { type: 'tool_use', id: 'call_1', name: 'get_weather', input: { location: 'Bern' } },
            { type: 'tool_use', id: 'call_2', name: 'get_weather', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call_1', content: 'sunny' },
            { type: 'tool_result', tool_use_id: 'call_2', content: '' },
            { type: 'text', text: 'four' },
          ],
        },
      ],
    });
  });

  it('limits the answer where nobody did, and takes images by address', async () => {
    const image = { type: 'image' as const, url: 'https://example.com/a.png' };
    const body = await sent({ model: 'm', messages: [{ role: 'user', content: [image] }] });
    expect(body).toEqual({
      model: 'm',
      max_tokens: 8192,
      stream: true,
      messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: image.url } }] }],
    });
  });

  it.each([
    ['http://example.com/a.png', 'An image is neither an https address nor a base64 data URL.'],
    ['data:image/svg+xml;base64,PHN2Zz4=', 'Anthropic takes JPEG, PNG, GIF and WebP images.'],
  ])('refuses the image %s itself', async (url, message) => {
    const { provider, seen } = await start(text);
    const request: ChatRequest = { model: 'm', messages: [{ role: 'user', content: [{ type: 'image', url }] }] };
    expect((await drain(provider.stream(request, limits))).error).toMatchObject({ code: 'invalid_request', message });
    expect(seen).toEqual([]);
  });

  it.each([
    [undefined, undefined, undefined],
    ['auto', undefined, { type: 'auto' }],
    ['none', false, { type: 'none' }],
    ['required', true, { type: 'any' }],
    [{ name: 'f' }, false, { type: 'tool', name: 'f', disable_parallel_tool_use: true }],
    [undefined, false, { type: 'auto', disable_parallel_tool_use: true }],
  ] as const)('says which tools to call: %j, parallel %j', async (tool_choice, parallel_tool_calls, expected) => {
    const tools = [{ name: 'f', input_schema: {} }];
    const body = await sent({ ...ask('x'), tools, tool_choice, parallel_tool_calls });
    expect(body.tool_choice).toEqual(expected);
    expect(body.tools).toEqual([{ name: 'f', input_schema: { type: 'object' } }]);
    expect(await sent({ ...ask('x'), tool_choice, parallel_tool_calls })).not.toHaveProperty('tool_choice');
  });

  it('asks for JSON of a schema, closed as Anthropic wants it', async () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { age: { type: 'integer', minimum: 0 } },
    };
    const body = await sent({ ...ask('x'), response_format: { type: 'json_schema', name: 'person', schema } });
    expect(body.output_config).toEqual({
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: { age: { type: 'integer', description: '{minimum: 0}' } },
          additionalProperties: false,
        },
      },
    });
  });

  it('asks for JSON of any shape in words', async () => {
    const body = await sent({ ...ask('x'), response_format: { type: 'json_object' } });
    expect(body.system).toBe('Answer with one JSON object and nothing else.');
  });

  it('refuses a schema that is none', async () => {
    const { provider } = await start(text);
    const response_format = { type: 'json_schema' as const, name: 'x', schema: { properties: 7 } };
    expect((await drain(provider.stream({ ...ask('x'), response_format }, limits))).error).toMatchObject({
      code: 'invalid_request',
    });
  });

  it.each([
    ['claude-opus-5-5', 'high', {}, { type: 'adaptive', display: 'summarized' }, 'high'],
    ['claude-sonnet-4-6', 'minimal', {}, { type: 'adaptive', display: 'summarized' }, 'low'],
    ['claude-opus-5-5', 'low', { tool_choice: 'required' }, undefined, 'low'],
    ['claude-haiku-4-5-20251001', 'medium', {}, { type: 'enabled', budget_tokens: 4096 }, undefined],
    ['claude-opus-4-20250514', 'minimal', {}, { type: 'enabled', budget_tokens: 1024 }, undefined],
    ['claude-3-7-sonnet-latest', 'high', { max_output_tokens: 1024 }, undefined, undefined],
  ] as const)('lets %s think with effort %s, %j', async (model, reasoning_effort, more, thinking, effort) => {
    const tools = [{ name: 'f', input_schema: {} }];
    const body = await sent({ ...ask('x'), model, reasoning_effort, tools, ...more });
    expect(body.thinking).toEqual(thinking);
    expect(body.output_config).toEqual(effort && { effort });
  });

  it('does not think on over calls that were made without thinking', async () => {
    const call = { id: 'c', name: 'f', arguments: '{}' };
    const request = (opaque?: string): ChatRequest => ({
      model: 'claude-haiku-4-5',
      reasoning_effort: 'low',
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '', tool_calls: [{ ...call, ...(opaque && { opaque }) }] },
        { role: 'tool', tool_call_id: 'c', name: 'f', content: 'y' },
      ],
    });
    expect(await sent(request())).not.toHaveProperty('thinking');
    const thought = JSON.stringify([{ type: 'thinking', thinking: 't', signature: 's' }]);
    expect(await sent(request(thought))).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 2048 } });
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'other'],
    ['constructor', 'other'],
  ])('takes the reason %s for %s', async (sent_reason, stop_reason) => {
    const end = { type: 'message_delta', delta: { stop_reason: sent_reason }, usage: { output_tokens: 1 } };
    const { provider } = await start(({ response }) =>
      sse(response).end(`event: message_delta\ndata: ${JSON.stringify(end)}\n\n`),
    );
    expect(await collect(provider.stream(ask('x'), limits))).toMatchObject({ stop_reason });
  });

  it('ends a refusal without a piece', async () => {
    const { provider } = await start((exchanged) => replay(exchanged, 'anthropic/refusal.sse'));
    expect(await collect(provider.stream(ask('x'), limits))).toMatchObject({
      text: '',
      stop_reason: 'content_filter',
      usage: { input_tokens: 18, output_tokens: 5 },
    });
  });

  it('tells nothing of its environment to a provider', async () => {
    const environment = {
      ANTHROPIC_API_KEY: 'operator-key',
      ANTHROPIC_AUTH_TOKEN: 'operator-token',
      ANTHROPIC_BASE_URL: 'http://operator.invalid',
      ANTHROPIC_CUSTOM_HEADERS: 'x-operator: operator\nauthorization: operator',
      ANTHROPIC_PROFILE: 'operator',
    };
    Object.assign(process.env, environment);
    const { provider, seen } = await start(text);
    Object.keys(environment).forEach((name) => delete process.env[name]);
    await all(provider.stream(ask('x'), limits));
    expect(seen[0]?.request.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(JSON.stringify(seen[0]?.request.headers)).not.toContain('operator');
  });

  it('writes nothing to the console', async () => {
    const lines: unknown[] = [];
    for (const method of ['log', 'warn', 'error'] as const)
      jest.spyOn(console, method).mockImplementation((...line: unknown[]) => void lines.push(line));
    await sent({ ...ask('x'), model: 'claude-sonnet-4-5', reasoning_effort: 'high' });
    const { provider } = await start(({ response }) => sse(response).end('event: message_start\ndata: {\n\n'));
    await drain(provider.stream(ask('x'), limits));
    jest.restoreAllMocks();
    expect(lines).toEqual([]);
  });
});

describe('models', () => {
  it('lists the names of all pages', async () => {
    const { provider, seen } = await start((exchanged) => {
      const is_first = !exchanged.request.url?.includes('after_id');
      answerJson(exchanged, {
        data: [{ id: is_first ? 'claude-a' : 'claude-b' }, { name: 'no id' }, null],
        has_more: is_first,
        last_id: 'claude-a',
      });
    });
    expect(await provider.models(limits)).toEqual(['claude-a', 'claude-b']);
    expect(seen.map(({ request }) => request.url)).toEqual([
      '/v1/models?limit=1000',
      '/v1/models?limit=1000&after_id=claude-a',
    ]);
  });

  it('gives a list without end up', async () => {
    const { provider, seen } = await start((exchanged) =>
      answerJson(exchanged, { data: [{ id: 'x' }], has_more: true, last_id: 'x' }),
    );
    expect(await provider.models(limits)).toHaveLength(10);
    expect(seen).toHaveLength(10);
  });
});

it('offers no embeddings', async () => {
  const provider = createProvider('anthropic', { api_key: KEY });
  await expect(provider.embed({ model: 'm', input: ['x'] }, limits)).rejects.toEqual(
    new ProviderError('invalid_request', 'Anthropic offers no embeddings.'),
  );
});

describe('errors', () => {
  const error = (type: string, message = 'Words.') => ({
    type: 'error',
    error: { type, message },
    request_id: 'req_1',
  });

  it.each([
    [
      400,
      error('invalid_request_error', `No ${KEY}`),
      'invalid_request',
      'The provider refused the request: No [secret]',
    ],
    [
      400,
      error('invalid_request_error', 'prompt is too long: 200001 tokens > 200000 maximum'),
      'context_length',
      'The conversation is too long for the model: prompt is too long: 200001 tokens > 200000 maximum',
    ],
    [
      400,
      error('invalid_request_error', 'input length and `max_tokens` exceed context limit: 1 + 2 > 2'),
      'context_length',
      'The conversation is too long for the model: input length and `max_tokens` exceed context limit: 1 + 2 > 2',
    ],
    [
      400,
      error('invalid_request_error', 'Output blocked by content filtering policy'),
      'content_filter',
      "The provider's content filter refused the request: Output blocked by content filtering policy",
    ],
    [
      400,
      error('invalid_request_error', 'Your credit balance is too low to access the API.'),
      'auth',
      'The provider refused the credential.',
    ],
    [401, error('authentication_error', `invalid ${KEY}`), 'auth', 'The provider refused the credential.'],
    [402, error('billing_error'), 'auth', 'The provider refused the credential.'],
    [403, error('permission_error'), 'auth', 'The provider refused the credential.'],
    [404, error('not_found_error', 'model: m'), 'invalid_request', 'The provider refused the request: model: m'],
    [413, error('request_too_large'), 'invalid_request', 'The provider refused the request: Words.'],
    [500, error('api_error'), 'unavailable', 'The provider could not be reached, or broke off its answer.'],
    [502, '<html>', 'unavailable', 'The provider could not be reached, or broke off its answer.'],
    [503, {}, 'overloaded', 'The provider is overloaded.'],
    [504, error('timeout_error'), 'timeout', 'The provider did not answer in time.'],
    [529, error('overloaded_error'), 'overloaded', 'The provider is overloaded.'],
    [400, error('constructor'), 'invalid_request', 'The provider refused the request: Words.'],
    [400, { error: { type: {}, message: ['x'] } }, 'invalid_request', 'The provider refused the request.'],
  ])('maps %s %j', async (status, body, code, message) => {
    const { provider, seen } = await start((exchanged) => answerJson(exchanged, body, status));
    const { error: failed } = await drain(provider.stream(ask('x'), limits));
    expect(failed).toMatchObject({ name: 'ProviderError', code, status, message });
    expect(seen).toHaveLength(1);
  });

  it('keep how long a rate limit asks to wait', async () => {
    const { provider } = await start((exchanged) =>
      answerJson(exchanged, error('rate_limit_error'), 429, { 'retry-after': '7' }),
    );
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      code: 'rate_limited',
      status: 429,
      retry_after_ms: 7000,
    });
    await expect(provider.models(limits)).rejects.toMatchObject({ code: 'rate_limited', retry_after_ms: 7000 });
  });

  it('are understood within a stream', async () => {
    const { provider } = await start((exchanged) => replay(exchanged, 'anthropic/overloaded.sse'));
    expect(await drain(provider.stream(ask('x'), limits))).toMatchObject({
      text: 'half',
      error: { code: 'overloaded', status: null, message: 'The provider is overloaded.' },
    });
  });

  it('end a model that thinks without end', async () => {
    const delta = { type: 'signature_delta', signature: 'x'.repeat(60_000) };
    const { provider } = await start(({ response }) => {
      const block = { type: 'content_block_start', content_block: { type: 'thinking', thinking: '' } };
      sse(response).write(`event: content_block_start\ndata: ${JSON.stringify(block)}\n\n`);
      const piece = `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', delta })}\n\n`;
      const pump = (): void => void (response.destroyed || response.write(piece, pump));
      pump();
    });
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      code: 'unavailable',
      message: 'The provider thinks without end.',
    });
  });
});
