import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenerativeAI } from '@google/generative-ai';
import Groq from 'groq-sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { sandboxBaseUrl, type SandboxKind } from '../base-url';
import { readCalls } from '../calls';
import { startSandbox, type Sandbox } from '../server';

let sandbox: Sandbox;
let options: (kind: SandboxKind) => { apiKey: string; baseURL: string; maxRetries: number };

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  options = (kind) => ({ apiKey: 'key', baseURL: sandboxBaseUrl(kind, sandbox.url), maxRetries: 0 });
});
afterAll(() => sandbox.close());

describe('models', () => {
  const ids = async (list: Promise<{ data: { id: string }[] }>) => (await list).data.map(({ id }) => id);

  it('are listed by the SDKs that can', async () => {
    expect(await ids(new OpenAI(options('openai')).models.list())).toEqual(['sandbox-1']);
    expect(await ids(new Groq(options('groq')).models.list())).toEqual(['sandbox-1']);
    expect(await ids(new Anthropic(options('anthropic')).models.list())).toEqual(['sandbox-1']);
    expect((await new Ollama({ host: sandbox.url }).list()).models).toMatchObject([{ name: 'sandbox-1' }]);
  });

  it('are listed to who asks as Google wants', async () => {
    const response = await fetch(`${sandbox.url}/v1beta/models`, { headers: { 'x-goog-api-key': 'key' } });
    expect(await response.json()).toMatchObject({ models: [{ name: 'models/sandbox-1' }] });
  });
});

describe('embeddings', () => {
  const length = (vector: number[] = []) => Math.hypot(...vector);

  it('of OpenAI have the dimensions that were asked for', async () => {
    const { embeddings } = new OpenAI(options('openai'));
    const input = ['one text', 'another', 'one text'];
    const { data, usage } = await embeddings.create({ model: 'sandbox-1', input, dimensions: 32 });
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(data[0]?.embedding).toHaveLength(32);
    expect(length(data[1]?.embedding)).toBeCloseTo(1, 5);
    expect(data[2]?.embedding).toEqual(data[0]?.embedding);
    expect(data[1]?.embedding).not.toEqual(data[0]?.embedding);
    expect(usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
    const plain = await embeddings.create({
      model: 'sandbox-1',
      input: 'one text',
      dimensions: 32,
      encoding_format: 'float',
    });
    plain.data[0]?.embedding.forEach((value, index) => expect(value).toBeCloseTo(data[0]?.embedding[index] ?? NaN, 5));
    expect((await readCalls(sandbox.url)).at(-2)).toMatchObject({
      format: 'openai',
      stream: false,
      finished: true,
      prompt_tokens: 5,
      tokens_sent: 0,
      messages: input.map((content) => ({ role: 'user', content })),
    });
  });

  it('of Google and Ollama are the same', async () => {
    const model = new GoogleGenerativeAI('key').getGenerativeModel({ model: 'sandbox-1' }, { baseUrl: sandbox.url });
    const requests = ['one', 'two'].map((text) => ({ content: { role: 'user', parts: [{ text }] } }));
    const { embeddings } = await model.batchEmbedContents({ requests });
    const vectors = embeddings.map(({ values }) => values);
    expect(vectors).toHaveLength(2);
    const told = await new Ollama({ host: sandbox.url }).embed({ model: 'sandbox-1', input: ['one', 'two'] });
    expect(told).toMatchObject({ embeddings: vectors, prompt_eval_count: 2 });
  });

  it('fail as told', async () => {
    const ask = (input: string) => new OpenAI(options('openai')).embeddings.create({ model: 'sandbox-1', input });
    await expect(ask('[[fail=503]]')).rejects.toMatchObject({ status: 503 });
    await expect(ask('[[garbage]]')).rejects.toThrow();
    await expect(ask('[[dance]]')).rejects.toMatchObject({ status: 400 });
    await expect(new Groq(options('groq')).embeddings.create({ model: 'sandbox-1', input: 'x' })).rejects.toMatchObject(
      {
        status: 404,
      },
    );
  });
});

describe('a refusal', () => {
  const messages = [{ role: 'user', content: 'No [[fail=429 retry_after=7]]' }];
  const contents = [{ role: 'user', parts: [{ text: 'No [[fail=429 retry_after=7]]' }] }];
  const bodies: [path: string, body: object, wanted: object][] = [
    ['/v1/chat/completions', { messages }, { error: { type: 'invalid_request_error', code: 'sandbox_failure' } }],
    ['/openai/v1/chat/completions', { messages }, { error: { code: 'sandbox_failure' } }],
    ['/v1/messages', { messages, max_tokens: 1 }, { type: 'error', error: { type: 'rate_limit_error' } }],
    [
      '/v1beta/models/sandbox-1:generateContent',
      { contents },
      { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '7s' }] } },
    ],
    ['/api/chat', { messages }, { error: expect.stringContaining('asked to') }],
  ];

  it.each(bodies)('at %s says in its own shape when to come back', async (path, body, wanted) => {
    const response = await fetch(`${sandbox.url}${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer key', 'x-goog-api-key': 'key' },
      body: JSON.stringify({ model: 'sandbox-1', ...body }),
    });
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toMatchObject(wanted);
  });
});

describe('the events of Anthropic', () => {
  it('open and close each block, the signed reasoning first', async () => {
    const stream = await new Anthropic(options('anthropic')).messages.create({
      model: 'sandbox-1',
      max_tokens: 99,
      stream: true,
      messages: [{ role: 'user', content: 'x [[reason=1 tokens=2 delay=0]]' }],
    });
    const events = await Array.fromAsync(stream);
    const deltas = events.map((event) => (event.type === 'content_block_delta' ? event.delta.type : event.type));
    expect(deltas).toEqual([
      'message_start',
      'content_block_start',
      'thinking_delta',
      'signature_delta',
      'content_block_stop',
      'content_block_start',
      'text_delta',
      'text_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  it('tell a tool that the client insists on, with arguments that fit', async () => {
    const { content } = await new Anthropic(options('anthropic')).messages.create({
      model: 'sandbox-1[[delay=0]]',
      max_tokens: 99,
      messages: [{ role: 'user', content: 'x' }],
      tools: [{ name: 'say', input_schema: { type: 'object', properties: { n: { enum: [4] } }, required: ['n'] } }],
      tool_choice: { type: 'tool', name: 'say' },
    });
    expect(content).toMatchObject([{ type: 'tool_use', name: 'say', input: { n: 4 } }]);
  });
});

it('the usage of Groq comes in the chunk that ends the answer', async () => {
  const stream = await new Groq(options('groq')).chat.completions.create({
    model: 'sandbox-1',
    stream: true,
    messages: [{ role: 'user', content: 'x [[tokens=2 delay=0]]' }],
  });
  const chunks = await Array.fromAsync(stream);
  expect(chunks.at(-1)).toMatchObject({
    choices: [{ finish_reason: 'stop' }],
    x_groq: { usage: { completion_tokens: 2 } },
  });
});

it('the model of Google may carry directives', async () => {
  const model = new GoogleGenerativeAI('key').getGenerativeModel(
    { model: 'sandbox-1[[tokens=2 delay=0]]' },
    { baseUrl: sandbox.url },
  );
  expect((await model.generateContent('x')).response.text()).toBe('You wrote');
});
