import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import OpenAI, { APIError } from 'openai';
import { readCalls, type Call } from './calls';
import { startSandbox, type Sandbox } from './server';
import { loadTokenizer } from './tokens';

let sandbox: Sandbox;
let client: OpenAI;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  client = connect('sk-anything');
});
afterAll(() => sandbox.close());

const connect = (apiKey: string) =>
  new OpenAI({ apiKey, baseURL: `${sandbox.url}/v1`, maxRetries: 0, logLevel: 'off' });

const ask = (content: string, model = 'sandbox-1') => ({ model, messages: [{ role: 'user' as const, content }] });

const stream = (content: string, signal?: AbortSignal) =>
  client.chat.completions.create(
    { ...ask(content), stream: true, stream_options: { include_usage: true } },
    { signal },
  );

const calls = () => readCalls(sandbox.url);

/** The one call whose last message is this, once it is as wanted. */
async function call(content: string, wanted: (call: Call) => boolean = () => true): Promise<Call> {
  for (;;) {
    const found = (await calls()).find(({ messages }) => messages.at(-1)?.content === content);
    if (found && wanted(found)) return found;
  }
}

const failure = async (promise: Promise<unknown>): Promise<APIError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof APIError) return error;
  throw new Error('The call did not fail.');
};

describe('chat completions', () => {
  it('quote the last user message', async () => {
    const reply = await client.chat.completions.create(ask('How are you? [[delay=0]]'));
    expect(reply.object).toBe('chat.completion');
    expect(reply.choices[0]?.message.content).toContain('You wrote: “How are you?”.');
    expect(reply.choices[0]?.finish_reason).toBe('stop');
    expect(reply.choices[0]?.message.content).not.toContain('[[');
  });

  it('stream the same, token by token, and then the usage', async () => {
    const question = 'Once more, streamed [[delay=1]]';
    const whole = await client.chat.completions.create(ask(question));
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of await stream(question)) chunks.push(chunk);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks.length).toBe((whole.usage?.completion_tokens ?? 0) + 3);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('count tokens as the real one does', async () => {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'three words [[tokens=7]]' }] },
    ];
    const { usage, choices } = await client.chat.completions.create({ model: 'sandbox-1[[delay=0]]', messages });
    // 3 and 7 tokens, 4 for each message, and 2.
    expect(usage).toEqual({ prompt_tokens: 20, completion_tokens: 7, total_tokens: 27 });
    expect((await loadTokenizer()).count(choices[0]?.message.content ?? '')).toBe(7);
  });

  it('end at the greatest number of tokens', async () => {
    const reply = await client.chat.completions.create({ ...ask('short [[delay=0]]'), max_completion_tokens: 2 });
    expect(reply.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'You wrote' } });
    expect(reply.usage?.completion_tokens).toBe(2);
  });

  it('send no usage in a stream that does not ask for it', async () => {
    const chunks: object[] = [];
    for await (const chunk of await client.chat.completions.create({ ...ask('bare [[delay=0]]'), stream: true }))
      chunks.push(chunk);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
  });
});

describe('directives', () => {
  it.each([true, false])('fail before the answer, streamed: %s', async (streamed) => {
    const asked = client.chat.completions.create({ ...ask('[[fail=429 retry_after=3]]'), stream: streamed });
    const error = await failure(asked);
    expect(error).toMatchObject({ status: 429, code: 'sandbox_failure' });
    expect(error.headers?.get('retry-after')).toBe('3');
  });

  it('cut a stream', async () => {
    const content = 'cut me [[cut=5 delay=0]]';
    let tokens = 0;
    const read = async () => {
      for await (const chunk of await stream(content)) if (chunk.choices[0]?.delta.content) tokens++;
    };
    await expect(read()).rejects.toThrow();
    // Fewer, when the standard fetch drops what was not read yet.
    expect(tokens).toBeLessThanOrEqual(5);
    expect(await call(content)).toMatchObject({ tokens_sent: 5, finished: false, aborted: false });
  });

  it('cut an answer that is not streamed', async () => {
    await expect(client.chat.completions.create(ask('cut me whole [[cut=2 delay=0]]'))).rejects.toThrow(
      OpenAI.APIConnectionError,
    );
  });

  it.each(['[[hang]]', '[[hang=3 delay=0]]'])('hang until the client leaves: %s', async (directive) => {
    const content = `hang ${directive}`;
    const controller = new AbortController();
    const read = (async () => {
      for await (const chunk of await stream(content, controller.signal)) void chunk;
    })();
    const seen = await call(content, ({ tokens_sent }) => tokens_sent === (directive === '[[hang]]' ? 0 : 3));
    expect(seen).toMatchObject({ finished: false, aborted: false });
    controller.abort();
    await read.catch(() => undefined);
    expect(await call(content, ({ aborted }) => aborted)).toMatchObject({ finished: false, stream: true });
  });

  it.each(['[[dance]]', '[[tokens=many]]', '[[tokens=-1]]', '[[fail=200]]', '[[toString=1]]', '[[usage=all]]'])(
    'are refused when wrong: %s',
    async (directive) => {
      expect(await failure(client.chat.completions.create(ask(directive)))).toMatchObject({
        status: 400,
        code: 'sandbox_directive',
      });
    },
  );
});

describe('the log of calls', () => {
  it('tells a finished call from an aborted one', async () => {
    for await (const chunk of await stream('finish this [[tokens=3 delay=0]]')) void chunk;
    expect(await call('finish this [[tokens=3 delay=0]]')).toMatchObject({
      model: 'sandbox-1',
      stream: true,
      finished: true,
      aborted: false,
      tokens_sent: 3,
    });
    const content = 'leave this [[tokens=10000 delay=1]]';
    for await (const chunk of await stream(content)) if (chunk.choices[0]?.delta.content) break;
    const left = await call(content, ({ aborted }) => aborted);
    expect(left.finished).toBe(false);
    expect(left.tokens_sent).toBeLessThan(10_000);
  });

  it('is bounded', async () => {
    const long = `long ${'x'.repeat(5000)} [[tokens=1 delay=0]]`;
    await client.chat.completions.create(ask(long));
    const found = (await calls()).find(({ messages }) => messages[0]?.content.startsWith('long '));
    expect(found?.messages[0]?.content).toHaveLength(1000);
  });
});

describe('the rest of the wire', () => {
  it('lists its model', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['sandbox-1']);
  });

  it('refuses the invalid key', async () => {
    expect(await failure(connect('sk-sandbox-invalid').models.list())).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    expect((await fetch(`${sandbox.url}/v1/models`)).status).toBe(401);
  });

  it('knows no other model and no other address', async () => {
    expect(await failure(client.chat.completions.create(ask('hi', 'gpt-4o')))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    expect((await fetch(`${sandbox.url}/v1/nothing`, { headers: { authorization: 'Bearer k' } })).status).toBe(404);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"model":1}',
    '{"model":"sandbox-1"}',
    '{"model":"sandbox-1","messages":[]}',
    '{"model":"sandbox-1","messages":[null]}',
    '{"model":"sandbox-1","messages":[{"role":"toString"}]}',
  ])('answers 400 to %s', async (body) => {
    const response = await fetch(`${sandbox.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('the process', () => {
  const start = (...args: string[]) => {
    const main = join(__dirname, 'main.ts');
    const child = spawn(process.execPath, [main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const line = async (output: NodeJS.ReadableStream) => String((await once(createInterface(output), 'line'))[0]);
    return { child, out: () => line(child.stdout), err: () => line(child.stderr), exit: once(child, 'exit') };
  };

  it('runs on Node alone and stops when told', async () => {
    const { child, out, exit } = start('--port', '0');
    const url = /http:\S+/.exec(await out())?.[0];
    const models = await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer k' } });
    expect(models.status).toBe(200);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body: JSON.stringify(ask('Hello [[delay=0]]')),
    });
    expect(await answer.json()).toMatchObject({ object: 'chat.completion' });
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });

  it('says in one sentence why it cannot start', async () => {
    const { port } = new URL(sandbox.url);
    for (const [args, sentence] of [
      [['--port', port], /^The sandbox provider cannot start: listen EADDRINUSE/],
      [['--port', 'x'], /^The sandbox provider cannot start: --port takes a number/],
      [['--colour'], /^The sandbox provider cannot start: Unknown option/],
    ] as const) {
      const { err, exit } = start(...args);
      expect(await err()).toMatch(sentence);
      expect(await exit).toEqual([1, null]);
    }
  });
});
