import { events, KEY, recorded, replay, vendor } from '../recorded.testing';
import { createProvider } from '../registry';
import type { ChatRequest } from '../types';
import { ask, collect, drain, startWire, type Exchanged } from '../wire.testing';

const limits = { timeout_ms: 10_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function ollama(answer: (exchanged: Exchanged) => void) {
  const served = await vendor('ollama', answer);
  closers.push(served.close);
  return served;
}

/** What Ollama is sent for a request. */
async function sentFor(request: Partial<ChatRequest>): Promise<unknown> {
  const { provider, body } = await ollama(replay('ollama/text.ndjson'));
  await collect(provider.stream({ ...ask('x'), ...request }, limits));
  return body();
}

const bare = { model: 'm', messages: [{ role: 'user', content: 'x' }], stream: true, options: {} };
const weather = { name: 'weather', input_schema: { type: 'object' } };
const weatherTool = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } };

describe('a request to Ollama', () => {
  it('holds only what is given', async () => {
    expect(await sentFor({})).toEqual(bare);
  });

  it('holds parameters as options, and not what Ollama does not know', async () => {
    const same = {
      temperature: 0,
      top_p: 0.5,
      stop: ['END'],
      seed: 7,
      frequency_penalty: -1,
      presence_penalty: 1,
    };
    const unknown = { user: 'u', parallel_tool_calls: true, tool_choice: 'required' as const };
    expect(await sentFor({ ...same, ...unknown, max_output_tokens: 99, tools: [weather] })).toEqual({
      ...bare,
      tools: [weatherTool],
      options: { ...same, num_predict: 99 },
    });
  });

  it.each([
    ['minimal', 'low'],
    ['low', 'low'],
    ['medium', 'medium'],
    ['high', 'high'],
  ] as const)('asks for %s thought', async (reasoning_effort, think) => {
    expect(await sentFor({ reasoning_effort })).toEqual({ ...bare, think });
  });

  it('asks for JSON, or for JSON by a schema', async () => {
    expect(await sentFor({ response_format: { type: 'json_object' } })).toEqual({ ...bare, format: 'json' });
    const schema = { type: 'object', properties: { age: { type: 'integer' } } };
    expect(await sentFor({ response_format: { type: 'json_schema', name: 'a', schema } })).toEqual({
      ...bare,
      format: schema,
    });
  });

  it('offers no tools when none may be called', async () => {
    expect(await sentFor({ tools: [weather], tool_choice: 'none' })).toEqual(bare);
  });

  it('holds the calls of earlier turns and what came of them', async () => {
    const tool_calls = ['{"city":"Paris"}', '{"city', '[1]', ''].map((written, index) => ({
      id: `call_${index}`,
      name: 'weather',
      arguments: written,
    }));
    const messages: ChatRequest['messages'] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: 'Let me see.', tool_calls },
      { role: 'tool', tool_call_id: 'call_0', name: 'weather', content: '12 °C' },
    ];
    expect(await sentFor({ messages })).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'assistant',
          content: 'Let me see.',
          tool_calls: [{ city: 'Paris' }, {}, {}, {}].map((values) => ({
            function: { name: 'weather', arguments: values },
          })),
        },
        { role: 'tool', tool_name: 'weather', content: '12 °C' },
      ],
    });
  });

  it('holds images as base64', async () => {
    const content = [
      { type: 'text' as const, text: 'What' },
      { type: 'image' as const, url: 'data:image/png;base64,iVBORw0KGgo=' },
      { type: 'text' as const, text: 'is this?' },
    ];
    expect(await sentFor({ messages: [{ role: 'user', content }] })).toMatchObject({
      messages: [{ role: 'user', content: 'What\nis this?', images: ['iVBORw0KGgo='] }],
    });
  });

  it.each(['https://example.com/cat.png', '/etc/passwd', 'data:image/svg+xml,<svg/>'])(
    'never takes %s for an image',
    async (url) => {
      const { provider, exchanges } = await ollama(() => undefined);
      const messages: ChatRequest['messages'] = [{ role: 'user', content: [{ type: 'image', url }] }];
      expect((await drain(provider.stream({ model: 'm', messages }, limits))).error).toMatchObject({
        code: 'invalid_request',
        message: 'Ollama fetches no images: send them as data URLs in base64.',
      });
      expect(exchanges).toEqual([]);
    },
  );

  it('reads no file that an image names', async () => {
    const content = [{ type: 'image' as const, url: 'data:image/png;base64,/etc/hostname' }];
    expect(await sentFor({ messages: [{ role: 'user', content }] })).toMatchObject({
      messages: [{ images: ['/etc/hostname'] }],
    });
  });
});

describe('an answer of Ollama', () => {
  it('tells thoughts from the answer', async () => {
    const { provider } = await ollama(replay('ollama/thinking.ndjson'));
    expect(await events(provider.stream(ask('Why?'), limits))).toEqual([
      { type: 'reasoning', text: 'The user' },
      { type: 'reasoning', text: ' asks.' },
      { type: 'text', text: 'Because' },
      { type: 'text', text: ' of scattering.' },
      {
        type: 'finish',
        stop_reason: 'length',
        usage: {
          input_tokens: 31,
          cache_read_tokens: null,
          cache_write_tokens: null,
          output_tokens: 75,
          reasoning_tokens: null,
        },
      },
    ]);
  });

  it('has calls with names that no other has', async () => {
    const { provider } = await ollama(replay('ollama/tools.ndjson'));
    const ids = new Set<string>();
    for (let turn = 0; turn < 3; turn++) {
      for (const event of await events(provider.stream(ask('x'), limits)))
        if (event.type === 'tool_call' && event.index === 0) ids.add(event.id);
    }
    expect([...ids]).toEqual(Array(3).fill(expect.stringMatching(/^call_[0-9a-f]{32}$/)));
  });

  it.each([
    ['{"done":true}', 'stop', null],
    ['{"done":true,"done_reason":"load"}', 'other', null],
    ['{"done":true,"done_reason":"stop","eval_count":3}', 'stop', { input_tokens: null, output_tokens: 3 }],
    ['{"done":true,"prompt_eval_count":0,"eval_count":"3"}', 'stop', { input_tokens: 0, output_tokens: null }],
    ['\n\n{"done":true}\n\n', 'stop', null],
    ['{"done":true}\nnothing reads this', 'stop', null],
  ])('ends with %j', async (end, stop_reason, usage) => {
    const { provider } = await ollama(({ response }) =>
      response.end(`{"message":{"content":"x"},"done":false}\n${end}`),
    );
    const reply = await collect(provider.stream(ask('x'), limits));
    expect(reply).toMatchObject({ text: 'x', stop_reason });
    if (usage) expect(reply.usage).toMatchObject(usage);
    else expect(reply.usage).toBeNull();
  });

  it('is read however it is cut', async () => {
    const sent = Buffer.from(recorded('ollama/text.ndjson'));
    const { provider } = await ollama(({ response }) => {
      response.setHeader('content-type', 'application/x-ndjson');
      const send = (at: number): void => {
        if (at >= sent.length) response.end();
        else response.write(sent.subarray(at, at + 7), () => setImmediate(send, at + 7));
      };
      send(0);
    });
    expect(await collect(provider.stream(ask('x'), limits))).toMatchObject({ text: 'The sky is blue — 青い.' });
  });

  it('may break off with an error', async () => {
    const { provider } = await ollama(replay('ollama/error.ndjson'));
    expect(await drain(provider.stream(ask('x'), limits))).toMatchObject({
      text: 'The',
      error: { code: 'unavailable', message: 'The provider could not be reached, or broke off its answer.' },
    });
  });
});

describe('embeddings', () => {
  it('come in the order of what they are of', async () => {
    const { provider, body, arrived } = await ollama(replay('ollama/embed.json'));
    expect(await provider.embed({ model: 'e', input: ['a', 'b'], dimensions: 3 }, limits)).toEqual({
      vectors: [
        [0.010071029, -0.0017594862, 0.05007221],
        [-0.0098027075, 0.06042469, 0.025257962],
      ],
      usage: {
        input_tokens: 8,
        cache_read_tokens: null,
        cache_write_tokens: null,
        output_tokens: null,
        reasoning_tokens: null,
      },
    });
    expect(await body()).toEqual({ model: 'e', input: ['a', 'b'], dimensions: 3 });
    expect((await arrived).request.url).toBe('/api/embed');
  });

  it.each(['{"embeddings":[[1]]}', '{"embeddings":[[1],["2"]]}', '{}', 'null', '<html>', ''])(
    'are none when they are %j',
    async (reply) => {
      const { provider } = await ollama(({ response }) => response.end(reply));
      await expect(provider.embed({ model: 'e', input: ['a', 'b'] }, limits)).rejects.toMatchObject({
        code: 'unavailable',
      });
    },
  );

  it('end when they are no longer wanted', async () => {
    const { provider, arrived } = await ollama(() => undefined);
    const controller = new AbortController();
    const embedded = provider.embed({ model: 'e', input: ['a'] }, { ...limits, signal: controller.signal });
    await arrived;
    controller.abort();
    await expect(embedded).rejects.toMatchObject({ code: 'aborted' });
  });
});

it.each(['', '/', '/api', '/api/'])('takes an address that ends with %j', async (end) => {
  const server = await startWire(replay('ollama/tags.json'));
  closers.push(server.close);
  const base_url = server.url.replace('/v1', '') + end;
  expect(await createProvider('ollama', { base_url, api_key: KEY }).models(limits)).toHaveLength(2);
});

it('sends whatever key it is given, but none of the operator’s', async () => {
  process.env.OLLAMA_API_KEY = 'operator';
  const seen: unknown[] = [];
  const fetch = (_url: unknown, init?: RequestInit) => {
    seen.push(new Headers(init?.headers).get('authorization'));
    return Promise.reject(new Error('off'));
  };
  await drain(createProvider('ollama', { api_key: 'any words!', fetch }).stream(ask('x'), limits));
  delete process.env.OLLAMA_API_KEY;
  expect(seen).toEqual(['Bearer any words!']);
});

it.each(['', ' ', 'line\nbreak', 'schlüssel'])('refuses the key %j, which no header can hold', (api_key) => {
  expect(() => createProvider('ollama', { api_key })).toThrow(expect.objectContaining({ code: 'auth' }));
});
