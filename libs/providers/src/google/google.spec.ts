import { createProvider } from '../registry';
import type { ChatRequest } from '../types';
import { all, answerJson, bodyOf, fixture, fullRequest, KEY, limits, replay, wires } from '../anthropic-google.testing';
import { ask, collect, drain, sse, type Exchanged } from '../wire.testing';

const { start, closeAll } = wires('google');
afterEach(closeAll);

const text = (exchanged: Exchanged) => replay(exchanged, 'google/text.sse');

/** The body that a request becomes. */
async function sent(request: ChatRequest) {
  const { provider, seen } = await start(text);
  await all(provider.stream(request, limits));
  return bodyOf(seen);
}

const usage = (input: number, read: number | null, output: number, reasoning: number | null) => ({
  input_tokens: input,
  cache_read_tokens: read,
  cache_write_tokens: null,
  output_tokens: output,
  reasoning_tokens: reasoning,
});

describe('chat', () => {
  it('streams text and tells what was used, caches apart', async () => {
    const { provider } = await start(text);
    expect(await all(provider.stream(ask('x'), limits))).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'usage', usage: usage(111, 900, 0, null) },
      { type: 'text', text: ', wörld' },
      { type: 'usage', usage: usage(111, 900, 4, null) },
      { type: 'text', text: '!' },
      { type: 'usage', usage: usage(111, 900, 5, null) },
      { type: 'usage', usage: usage(111, 900, 5, null) },
      { type: 'finish', stop_reason: 'stop', usage: usage(111, 900, 5, null) },
    ]);
  });

  it('tells thoughts from the answer', async () => {
    const { provider } = await start((exchanged) => replay(exchanged, 'google/thinking.sse'));
    const events = await all(provider.stream(ask('x'), limits));
    expect(events.filter(({ type }) => type !== 'usage')).toEqual([
      { type: 'reasoning', text: '**Adding up**\n\n' },
      { type: 'reasoning', text: 'It is four.' },
      { type: 'text', text: '4' },
      { type: 'finish', stop_reason: 'stop', usage: usage(6, null, 1, 76) },
    ]);
  });

  it('streams parallel calls, and takes their signatures back', async () => {
    const { provider, seen } = await start((exchanged) => replay(exchanged, 'google/tools.sse'));
    const events = await all(provider.stream(ask('x'), limits));
    const opaque = 'AY89a19YsnFp7FOSIejJDV9XuMU996D+ZaDJiD6L9EEi/Lh+VGTEGqM3Lip3DPI7QzY=';
    expect(events.filter(({ type }) => type !== 'usage')).toEqual([
      { type: 'tool_call', index: 0, id: 'lpndqlku', name: 'get_weather', opaque },
      { type: 'tool_arguments', index: 0, text: '{"location":"San Francisco"}' },
      { type: 'tool_call', index: 1, id: expect.stringMatching(/^call_[0-9a-f]{32}$/), name: 'get_time' },
      { type: 'tool_arguments', index: 1, text: '{}' },
      { type: 'tool_call', index: 2, id: 'm6rogicj', name: 'get_weather' },
      { type: 'tool_arguments', index: 2, text: '{"location":"Tōkyō"}' },
      { type: 'finish', stop_reason: 'tool_calls', usage: usage(29, null, 30, 804) },
    ]);

    const tool_calls = [
      { id: 'lpndqlku', name: 'get_weather', arguments: '{"location":"San Francisco"}', opaque },
      { id: 'call_2', name: 'get_time', arguments: '{}' },
    ];
    await all(provider.stream({ model: 'm', messages: [{ role: 'assistant', content: '', tool_calls }] }, limits));
    expect(JSON.parse(seen[1]?.body ?? '').contents).toEqual([
      {
        role: 'model',
        parts: [
          {
            functionCall: { id: 'lpndqlku', name: 'get_weather', args: { location: 'San Francisco' } },
            thoughtSignature: opaque,
          },
          { functionCall: { id: 'call_2', name: 'get_time', args: {} } },
        ],
      },
    ]);
  });

  it.each([
    ['gemini-3.7-flash', '[{"type":"thinking"}]', { thoughtSignature: 'skip_thought_signature_validator' }],
    ['gemini-3.7-flash', undefined, { thoughtSignature: 'skip_thought_signature_validator' }],
    ['gemini-2.5-pro', '[{"type":"thinking"}]', {}],
  ])('lets %s go on from a call of another model', async (model, opaque, signature) => {
    const tool_calls = [
      { id: 'a', name: 'f', arguments: '', ...(opaque && { opaque }) },
      { id: 'b', name: 'f', arguments: '' },
    ];
    const { contents } = await sent({ model, messages: [{ role: 'assistant', content: 'x', tool_calls }] });
    expect(contents).toEqual([
      {
        role: 'model',
        parts: [
          { text: 'x' },
          { functionCall: { id: 'a', name: 'f', args: {} }, ...signature },
          { functionCall: { id: 'b', name: 'f', args: {} } },
        ],
      },
    ]);
  });

  it('sends system, turns, images, tools and their results in the wire format', async () => {
    const { provider, seen } = await start(text);
    await all(provider.stream({ ...fullRequest, model: 'gemini-2.5-pro' }, limits));
    expect(seen[0]?.request).toMatchObject({
      method: 'POST',
      url: '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
    });
    expect(seen[0]?.request.headers).toMatchObject({ 'x-goog-api-key': KEY, 'content-type': 'application/json' });
    expect(bodyOf(seen)).toEqual({
      systemInstruction: { role: 'system', parts: [{ text: 'Be brief.\n\nBe kind.' }] },
      safetySettings: [],
      generationConfig: {
        temperature: 1.5,
        topP: 0.9,
        maxOutputTokens: 99,
        stopSequences: ['END'],
        seed: 7,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
      },
      tools: [
        {
          functionDeclarations: [
            {
              name: 'get_weather',
              description: 'Tells the weather.',
              parametersJsonSchema: fullRequest.tools?.[0]?.input_schema,
            },
          ],
        },
      ],
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'one' },
            { text: 'two' },
            { inlineData: { mimeType: 'image/png', data: 'aGVsbG8=' } },
            { inlineData: { mimeType: 'application/pdf', data: 'JVBERg==' } },
          ],
        },
        {
          role: 'model',
          parts: [
            { text: 'three' },
            { functionCall: { id: 'call_1', name: 'get_weather', args: { location: 'Bern' } } },
            { functionCall: { id: 'call_2', name: 'get_weather', args: {} } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'call_1', name: 'get_weather', response: { output: 'sunny' } } },
            { functionResponse: { id: 'call_2', name: 'get_weather', response: { output: '' } } },
            { text: 'four' },
          ],
        },
      ],
    });
  });

  it.each([
    ['https://example.com/a.png', 'Google takes images as base64 data URLs alone, not by address.'],
    ['file:///etc/passwd', 'An image is neither an https address nor a base64 data URL.'],
  ])('refuses the image %s itself', async (url, message) => {
    const { provider, seen } = await start(text);
    const request: ChatRequest = { model: 'm', messages: [{ role: 'user', content: [{ type: 'image', url }] }] };
    expect((await drain(provider.stream(request, limits))).error).toMatchObject({ code: 'invalid_request', message });
    expect(seen).toEqual([]);
  });

  it.each(['', 'a/../../b', 'm?key=1', 'm#', 'a/b/c', 'm:x', 'ü'])('refuses the model %j itself', async (model) => {
    const { provider, seen } = await start(text);
    const { error } = await drain(provider.stream({ ...ask('x'), model }, limits));
    expect(error).toMatchObject({ code: 'invalid_request' });
    await expect(provider.embed({ model, input: ['x'] }, limits)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(seen).toEqual([]);
  });

  it.each([
    [undefined, undefined],
    ['auto', { mode: 'AUTO' }],
    ['none', { mode: 'NONE' }],
    ['required', { mode: 'ANY' }],
    [{ name: 'f' }, { mode: 'ANY', allowedFunctionNames: ['f'] }],
  ] as const)('says which tools to call: %j', async (tool_choice, functionCallingConfig) => {
    const tools = [{ name: 'f', input_schema: {} }];
    const body = await sent({ ...ask('x'), tools, tool_choice });
    expect(body.toolConfig).toEqual(functionCallingConfig && { functionCallingConfig });
    expect(await sent({ ...ask('x'), tool_choice })).not.toHaveProperty('toolConfig');
  });

  it.each([
    [{ type: 'json_object' as const }, { responseMimeType: 'application/json' }],
    [
      { type: 'json_schema' as const, name: 'person', schema: { type: 'object', additionalProperties: false } },
      {
        responseMimeType: 'application/json',
        responseJsonSchema: { type: 'object', additionalProperties: false },
      },
    ],
  ])('asks for JSON: %j', async (response_format, generationConfig) => {
    expect(await sent({ ...ask('x'), response_format })).toMatchObject({ generationConfig });
  });

  it.each([
    ['gemini-3.7-flash', 'minimal', { thinkingLevel: 'low' }],
    ['models/gemini-3-pro', 'high', { thinkingLevel: 'high' }],
    ['gemini-2.5-flash', 'low', { thinkingBudget: 1024 }],
    ['models/gemini-2.5-pro', 'high', { thinkingBudget: 24_576 }],
  ] as const)('lets %s think with effort %s', async (model, reasoning_effort, thinking) => {
    const body = await sent({ ...ask('x'), model, reasoning_effort });
    expect(body.generationConfig).toEqual({ thinkingConfig: { includeThoughts: true, ...thinking } });
  });

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['SPII', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'other'],
    ['constructor', 'other'],
  ])('takes the reason %s for %s', async (finishReason, stop_reason) => {
    const { provider } = await start(({ response }) =>
      sse(response).end(`data: ${JSON.stringify({ candidates: [{ finishReason }] })}\n\n`),
    );
    expect(await collect(provider.stream(ask('x'), limits))).toEqual({ text: '', stop_reason, usage: null });
  });

  it('fails where the prompt was blocked, and tells what it used all the same', async () => {
    const { provider } = await start((exchanged) => replay(exchanged, 'google/blocked.sse'));
    const events = provider.stream(ask('x'), limits)[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual({ type: 'usage', usage: usage(9, null, 0, null) });
    await expect(events.next()).rejects.toMatchObject({
      code: 'content_filter',
      message: "The provider's content filter refused the request.",
    });
  });

  it('takes comments, names and data over several lines', async () => {
    const end = '{"candidates":[{"content":{"parts":[{"text":"x"}]},\rdata:"finishReason":"STOP"}]}';
    const { provider } = await start(({ response }) =>
      sse(response).end(`: hello\r\revent: message\rid: 1\rdata: ${end}\r\r: bye\r\r`),
    );
    expect(await collect(provider.stream(ask('x'), limits))).toMatchObject({ text: 'x', stop_reason: 'stop' });
  });

  it('loses nothing of what came before a cut, however slow the reader', async () => {
    const half = `data: ${JSON.stringify({ candidates: [{ content: { parts: [{ text: 'half' }] } }] })}\r\n\r\n`;
    const closed = Promise.withResolvers<void>();
    const { provider } = await start(({ response }) =>
      sse(response).write(half.repeat(3), () => response.destroy().on('close', closed.resolve)),
    );
    const events = provider.stream(ask('x'), limits)[Symbol.asyncIterator]();
    await events.next();
    await closed.promise;
    expect([(await events.next()).value, (await events.next()).value]).toEqual([
      { type: 'text', text: 'half' },
      { type: 'text', text: 'half' },
    ]);
    await expect(events.next()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives an answer without end up', async () => {
    let written = 0;
    const { provider } = await start(({ response }) => {
      const piece = 'data: {}\n\n'.repeat(1000);
      const pump = (): void => void (response.destroyed || ((written += piece.length), response.write(piece, pump)));
      sse(response).flushHeaders();
      pump();
    });
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      code: 'unavailable',
      message: 'The provider answers without end.',
    });
    expect(written).toBeLessThan(8 * 1024 * 1024);
  });
});

const addressOf = (input: string | URL | Request): string => (input instanceof Request ? input.url : String(input));

describe('the way out', () => {
  it("is the adapter's own fetch for each, and the global one for everybody else", async () => {
    const { base_url, seen } = await start(text);
    const ways: string[] = [];
    const way = (name: string) => (input: string | URL | Request, init?: RequestInit) => {
      ways.push(`${name} ${addressOf(input)}`);
      return fetch(input, init);
    };
    const provider = (name: string) =>
      createProvider('google', { base_url: `${base_url}//`, api_key: KEY, fetch: way(name) });
    await Promise.all([
      drain(provider('a').stream(ask('x'), limits)),
      drain(provider('b').stream(ask('x'), limits)),
      fetch(`${base_url}/c`),
    ]);
    const address = `${base_url}/v1beta/models/m:streamGenerateContent?alt=sse`;
    expect(ways.sort()).toEqual([`a ${address}`, `b ${address}`]);
    expect(seen.map(({ request }) => request.url)).toContain('/c');
  });

  it('is found again by those who replace the global fetch', async () => {
    const { provider, seen } = await start(text);
    await drain(provider.stream(ask('x'), limits));
    const before = globalThis.fetch;
    const addresses: string[] = [];
    globalThis.fetch = (input, init) => {
      addresses.push(addressOf(input));
      return before(input, init);
    };
    expect(await drain(provider.stream(ask('x'), limits))).toEqual({ text: 'Hello, wörld!' });
    await fetch('data:,elsewhere');
    globalThis.fetch = before;
    expect(addresses).toEqual(['data:,elsewhere']);
    expect(seen).toHaveLength(2);
  });
});

describe('models', () => {
  it('lists the names of those that answer or embed, of all pages', async () => {
    const { provider, seen } = await start((exchanged) =>
      exchanged.request.url?.includes('pageToken')
        ? answerJson(exchanged, { models: [{ name: 'models/b', supportedGenerationMethods: ['embedContent'] }] })
        : answerJson(exchanged, {
            models: [
              { name: 'models/a', supportedGenerationMethods: ['generateContent', 'countTokens'] },
              { name: 'models/imagen', supportedGenerationMethods: ['predict'] },
              { name: 'tunedModels/c' },
              { displayName: 'no name' },
              null,
            ],
            nextPageToken: 'a&b',
          }),
    );
    expect(await provider.models(limits)).toEqual(['a', 'tunedModels/c', 'b']);
    expect(seen.map(({ request }) => request.url)).toEqual([
      '/v1beta/models?pageSize=1000',
      '/v1beta/models?pageSize=1000&pageToken=a%26b',
    ]);
    expect(seen[0]?.request.headers['x-goog-api-key']).toBe(KEY);
  });

  it('gives a list without end up', async () => {
    const { provider, seen } = await start((exchanged) =>
      answerJson(exchanged, { models: [{ name: 'models/x' }], nextPageToken: 'x' }),
    );
    expect(await provider.models(limits)).toHaveLength(10);
    expect(seen).toHaveLength(10);
  });
});

describe('embeddings', () => {
  it('come in order and in batches, with what they used', async () => {
    const { provider, seen } = await start((exchanged) => {
      const { requests } = JSON.parse(exchanged.body) as { requests: { content: { parts: { text: string }[] } }[] };
      const embeddings = requests.map(({ content }) => ({ values: [Number(content.parts[0]?.text), 0.5] }));
      answerJson(exchanged, { embeddings, usageMetadata: { promptTokenCount: requests.length } });
    });
    const input = Array.from({ length: 101 }, (_, index) => String(index));
    const { vectors, usage: used } = await provider.embed({ model: 'embed-1', input, dimensions: 2 }, limits);
    expect(vectors).toEqual(input.map((text) => [Number(text), 0.5]));
    expect(used).toMatchObject({ input_tokens: 101, output_tokens: null });
    expect(seen.map(({ request }) => request.url)).toEqual(
      Array.from({ length: 2 }, () => '/v1beta/models/embed-1:batchEmbedContents'),
    );
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({
      requests: [
        {
          model: 'models/embed-1',
          content: { role: 'user', parts: [{ text: '100' }] },
          outputDimensionality: 2,
        },
      ],
    });
  });

  it.each([
    ['none', { embeddings: [] }],
    ['too many', { embeddings: [{ values: [1] }, { values: [2] }] }],
    ['an empty one', { embeddings: [{ values: [] }] }],
    ['no numbers', { embeddings: [{ values: [1, 'x'] }] }],
    ['rubbish', { embeddings: 7 }],
    ['null', 'null'],
    ['HTML', '<html>'],
  ])('fail on %s', async (_name, body) => {
    const { provider } = await start((exchanged) => answerJson(exchanged, body));
    await expect(provider.embed({ model: 'm', input: ['x'] }, limits)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('errors', () => {
  const error = (code: number, status: string, message = 'Words.') => ({ error: { code, status, message } });

  it.each([
    [
      400,
      error(400, 'INVALID_ARGUMENT', `No ${KEY}\n`),
      'invalid_request',
      'The provider refused the request: No [secret] ',
    ],
    [
      400,
      error(400, 'INVALID_ARGUMENT', 'The input token count (9) exceeds the maximum number of tokens allowed (8).'),
      'context_length',
      'The conversation is too long for the model: The input token count (9) exceeds the maximum number of tokens allowed (8).',
    ],
    [400, fixture('google/invalid-key.json'), 'auth', 'The provider refused the credential.'],
    [401, error(401, 'UNAUTHENTICATED', KEY), 'auth', 'The provider refused the credential.'],
    [403, error(403, 'PERMISSION_DENIED', KEY), 'auth', 'The provider refused the credential.'],
    [
      404,
      error(404, 'NOT_FOUND', 'models/m is not found'),
      'invalid_request',
      'The provider refused the request: models/m is not found',
    ],
    [429, error(429, 'RESOURCE_EXHAUSTED'), 'rate_limited', 'The provider has too many requests from this account.'],
    [500, error(500, 'INTERNAL'), 'unavailable', 'The provider could not be reached, or broke off its answer.'],
    [502, '<html>', 'unavailable', 'The provider could not be reached, or broke off its answer.'],
    [503, error(503, 'UNAVAILABLE'), 'overloaded', 'The provider is overloaded.'],
    [503, '', 'overloaded', 'The provider is overloaded.'],
    [504, error(504, 'DEADLINE_EXCEEDED'), 'timeout', 'The provider did not answer in time.'],
    [400, { error: { status: {}, message: 7, details: 'x' } }, 'invalid_request', 'The provider refused the request.'],
    [400, 'null', 'invalid_request', 'The provider refused the request.'],
  ])('maps %s %j', async (status, body, code, message) => {
    const { provider, seen } = await start((exchanged) => answerJson(exchanged, body, status));
    const expected = { name: 'ProviderError', code, status, message };
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject(expected);
    expect(seen).toHaveLength(1);
    await expect(provider.models(limits)).rejects.toMatchObject(expected);
    await expect(provider.embed({ model: 'm', input: ['x'] }, limits)).rejects.toMatchObject(expected);
  });

  it.each([
    [{}, 34_400],
    [{ 'retry-after': '7' }, 7000],
  ])('keep how long a rate limit asks to wait: %j', async (headers, retry_after_ms) => {
    const { provider } = await start((exchanged) =>
      answerJson(exchanged, fixture('google/rate-limit.json'), 429, headers),
    );
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      code: 'rate_limited',
      status: 429,
      retry_after_ms,
    });
  });

  it('are understood within a stream', async () => {
    const { provider } = await start((exchanged) => replay(exchanged, 'google/overloaded.sse'));
    expect(await drain(provider.stream(ask('x'), limits))).toMatchObject({
      text: 'half',
      error: { code: 'overloaded', status: null, message: 'The provider is overloaded.' },
    });
  });
});
