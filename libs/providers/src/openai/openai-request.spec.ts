import { openaiFormat } from './openai';
import { KEY, replay, vendor } from '../recorded.testing';
import type { ChatRequest } from '../types';
import { ask, collect, startWire, type Exchanged } from '../wire.testing';

const limits = { timeout_ms: 10_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

/** What OpenAI is sent for a request. */
async function sentFor(request: Partial<ChatRequest>): Promise<unknown> {
  const { provider, body, close } = await vendor('openai', replay('openai/text.sse'));
  closers.push(close);
  await collect(provider.stream({ ...ask('x'), ...request }, limits));
  return body();
}

const weather = { name: 'weather', description: 'Of a city', input_schema: { type: 'object' } };
const weatherTool = {
  type: 'function',
  function: { name: 'weather', description: 'Of a city', parameters: { type: 'object' } },
};
const bare = {
  model: 'm',
  messages: [{ role: 'user', content: 'x' }],
  stream: true,
  stream_options: { include_usage: true },
};

describe('a request to OpenAI', () => {
  it('holds only what is given', async () => {
    expect(await sentFor({})).toEqual(bare);
  });

  it('holds all parameters by OpenAI’s names', async () => {
    const same = {
      temperature: 0,
      top_p: 0.5,
      stop: ['END'],
      seed: 0,
      frequency_penalty: -1,
      presence_penalty: 1,
      reasoning_effort: 'minimal' as const,
      user: 'user-7',
    };
    expect(await sentFor({ ...same, max_output_tokens: 99 })).toEqual({ ...bare, ...same, max_completion_tokens: 99 });
  });

  it('holds images by address or as data', async () => {
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image' as const, url: 'https://example.com/cat.png' },
      { type: 'image' as const, url: 'data:image/png;base64,iVBORw0KGgo=' },
    ];
    expect(await sentFor({ messages: [{ role: 'user', content }] })).toMatchObject({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
      ],
    });
  });

  it('holds PDFs as data', async () => {
    const content = [
      { type: 'file' as const, filename: 'a.pdf', media_type: 'application/pdf' as const, data: 'JVBERg==' },
    ];
    expect(await sentFor({ messages: [{ role: 'user', content }] })).toMatchObject({
      messages: [
        {
          role: 'user',
          content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } }],
        },
      ],
    });
  });

  it('holds the calls of earlier turns and what came of them', async () => {
    const messages: ChatRequest['messages'] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'call_1', name: 'weather', arguments: '{"city":"Paris"}' },
          { id: 'call_2', name: 'weather', arguments: '' },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', name: 'weather', content: '12 °C' },
      { role: 'tool', tool_call_id: 'call_2', name: 'weather', content: 'no city' },
      { role: 'assistant', content: 'Cold.', tool_calls: [] },
    ];
    expect(await sentFor({ messages })).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
            { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '12 °C' },
        { role: 'tool', tool_call_id: 'call_2', content: 'no city' },
        { role: 'assistant', content: 'Cold.' },
      ],
    });
  });

  it.each([
    ['auto', 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    [{ name: 'weather' }, { type: 'function', function: { name: 'weather' } }],
  ] as const)('holds the choice of tools %j', async (tool_choice, sent) => {
    expect(await sentFor({ tools: [weather], tool_choice, parallel_tool_calls: false })).toEqual({
      ...bare,
      tools: [weatherTool],
      tool_choice: sent,
      parallel_tool_calls: false,
    });
  });

  it('holds no choice of tools when there are none', async () => {
    expect(await sentFor({ tools: [], tool_choice: 'auto', parallel_tool_calls: true })).toEqual(bare);
  });

  it('asks for JSON, or for JSON by a schema', async () => {
    expect(await sentFor({ response_format: { type: 'json_object' } })).toMatchObject({
      response_format: { type: 'json_object' },
    });
    const answer = { name: 'answer', schema: { type: 'object', properties: {} }, strict: true };
    expect(await sentFor({ response_format: { type: 'json_schema', ...answer } })).toMatchObject({
      response_format: { type: 'json_schema', json_schema: answer },
    });
  });
});

describe('a sixth provider that speaks the format', () => {
  async function sixth(answer: (exchanged: Exchanged) => void) {
    const server = await startWire(answer);
    closers.push(server.close);
    // All that `registry.ts` would have to say of it.
    const factory = openaiFormat({
      base_url: server.url,
      quirks: {
        fields: { max_completion_tokens: 'max_tokens', seed: 'random_seed', stream_options: null, user: null },
        efforts: { minimal: 'none' },
      },
    });
    return factory({ api_key: KEY });
  }

  it('is an address and its words for things', async () => {
    const bodies: unknown[] = [];
    const provider = await sixth((exchanged) => {
      bodies.push(JSON.parse(exchanged.body));
      replay('openai/tools.sse')(exchanged);
    });
    const request = { max_output_tokens: 99, seed: 7, user: 'user-7', reasoning_effort: 'minimal' as const };
    await collect(provider.stream({ ...ask('x'), ...request }, limits));
    await collect(provider.stream({ ...ask('x'), reasoning_effort: 'high' }, limits));
    const { stream_options, ...sent } = bare;
    expect(stream_options).toBeDefined();
    expect(bodies).toEqual([
      { ...sent, max_tokens: 99, random_seed: 7, reasoning_effort: 'none' },
      { ...sent, reasoning_effort: 'high' },
    ]);
  });
});

describe('embeddings', () => {
  const embed = async (answer: (exchanged: Exchanged) => void, more: { dimensions?: number } = {}) => {
    const { provider, body, arrived, close } = await vendor('openai', answer);
    closers.push(close);
    const embedded = provider.embed({ model: 'e', input: ['a', 'b'], ...more }, limits);
    return { embedded, body, arrived };
  };

  it('come in the order of what they are of', async () => {
    const { embedded, body, arrived } = await embed(replay('openai/embeddings.json'), { dimensions: 3 });
    expect(await embedded).toEqual({
      vectors: [
        [-0.006929283, -0.005336422, -4.547132e-5],
        [0.0123, -0.0456, 0.789],
      ],
      usage: {
        input_tokens: 8,
        cache_read_tokens: null,
        cache_write_tokens: null,
        output_tokens: null,
        reasoning_tokens: null,
      },
    });
    expect(await body()).toEqual({ model: 'e', input: ['a', 'b'], dimensions: 3, encoding_format: 'float' });
    expect((await arrived).request.url).toBe('/v1/embeddings');
  });

  it.each([
    ['too few', { data: [{ index: 0, embedding: [1] }] }],
    ['one twice', { data: [0, 0].map((index) => ({ index, embedding: [1] })) }],
    ['places that are none', { data: [-1, 4294967294].map((index) => ({ index, embedding: [1] })) }],
    ['vectors that are none', { data: [{ embedding: ['1'] }, { embedding: [] }] }],
    ['base64', { data: [{ embedding: 'AACAPw==' }, { embedding: 'AACAPw==' }] }],
    ['no list', { data: 1 }],
    ['HTML', '<html>'],
  ])('that are %s are none', async (_what, reply) => {
    const { embedded } = await embed(({ response }) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(reply)),
    );
    await expect(embedded).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('are refused in the common words', async () => {
    const { embedded } = await embed(({ response }) => response.writeHead(429, { 'retry-after': '1' }).end());
    await expect(embedded).rejects.toMatchObject({ code: 'rate_limited', retry_after_ms: 1000 });
  });

  it('end in time, and with the first piece’s when that is sooner', async () => {
    const { provider, close } = await vendor('openai', () => undefined);
    closers.push(close);
    const embedded = provider.embed({ model: 'e', input: ['a'] }, { timeout_ms: 60_000, first_token_timeout_ms: 50 });
    await expect(embedded).rejects.toMatchObject({ code: 'timeout' });
  });
});
