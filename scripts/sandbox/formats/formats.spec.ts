import type { SandboxKind } from '../base-url';
import { readCalls, type Call } from '../calls';
import type { Message, Tool } from '../chat';
import { startSandbox, type Sandbox } from '../server';
import { loadTokenizer, promptTokens } from '../tokens';
import { sdk, type Question, type Sdk } from './sdks.testing';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
});
afterAll(() => sandbox.close());

const user = (content: string): Message => ({ role: 'user', content });
const ask = (content: string): Question => ({ messages: [user(content)] });
const lastCall = async (): Promise<Call | undefined> => (await readCalls(sandbox.url)).at(-1);

/** The newest call, once it is as wanted. */
async function call(wanted: (call: Call) => boolean): Promise<Call> {
  for (;;) {
    const found = await lastCall();
    if (found && wanted(found)) return found;
  }
}

async function failure(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error as Error & Record<string, unknown>;
  throw new Error('The call did not fail.');
}

const stops: Record<SandboxKind, [stop: string, length: string, tools: string]> = {
  openai: ['stop', 'length', 'tool_calls'],
  groq: ['stop', 'length', 'tool_calls'],
  anthropic: ['end_turn', 'max_tokens', 'tool_use'],
  google: ['STOP', 'MAX_TOKENS', 'STOP'],
  ollama: ['stop', 'length', 'stop'],
};

const tools: Tool[] = ['add', 'look_up'].map((name) => ({
  name,
  schema: { type: 'object', properties: { a: { type: 'array', items: { type: 'number' } } }, required: [] },
}));

describe.each(Object.keys(stops) as SandboxKind[])('the SDK of %s', (kind) => {
  let client: Sdk;
  const [stop, length, toolUse] = stops[kind];

  beforeAll(() => {
    client = sdk(kind, sandbox.url);
  });

  it('reads an answer, and the same one streamed, token by token', async () => {
    const question = {
      messages: [{ role: 'system' as const, content: 'Be brief.' }, user(`Hello, ${kind} — 中文 👩‍👩‍👧 [[delay=0]]`)],
    };
    const whole = await client.chat(question);
    expect(whole).toMatchObject({ stop, reasoning: '', tool_calls: [] });
    expect(whole.text).toContain(`You wrote: “Hello, ${kind} — 中文 👩‍👩‍👧”.`);
    const streamed = await client.stream(question);
    expect(streamed).toMatchObject({ text: whole.text, stop, usage: whole.usage });
    const tokens = (await loadTokenizer()).split(whole.text);
    expect(streamed.pieces).toBe(tokens.filter((token) => token !== '').length);
    expect(await lastCall()).toEqual({
      id: expect.any(String),
      format: kind,
      model: 'sandbox-1',
      messages: question.messages,
      tools: [],
      stream: true,
      finished: true,
      aborted: false,
      reasoning_tokens: 0,
      tokens_sent: tokens.length,
      prompt_tokens: promptTokens(await loadTokenizer(), question.messages),
    });
  });

  it('is told why an answer ended early', async () => {
    const question = { ...ask('short [[delay=0]]'), max_tokens: 2 };
    expect(await client.chat(question)).toMatchObject({ stop: length, text: 'You wrote' });
    expect(await client.stream(question)).toMatchObject({ stop: length, text: 'You wrote' });
  });

  it('gets JSON that fits its schema', async () => {
    const schema = { type: 'object', properties: { age: { type: 'integer', minimum: 3 } }, required: ['age'] };
    expect((await client.stream({ ...ask('as JSON [[delay=0]]'), schema })).text).toBe('{"age":3}');
  });

  it.each([true, false])('runs scripted tools, in parallel and step by step, streamed: %s', async (streamed) => {
    const script =
      '[[tool=add:{"a":[[1],[2]],"b":"]]"} tool=look_up delay=0]] [[tool=none:{}]] [[step tool=add:{"a":[3]}]]';
    const messages = [user(`Use tools ${script}`)];
    const turn = async (): Promise<unknown> => {
      const told = await client[streamed ? 'stream' : 'chat']({ messages, tools });
      const calls = told.tool_calls.map((made, index) => ({
        id: `call_${messages.length}_${index}`,
        name: made.name,
        arguments: JSON.stringify(made.arguments),
      }));
      messages.push({ role: 'assistant', content: told.text, ...(calls.length > 0 && { tool_calls: calls }) });
      for (const { id, name } of calls)
        messages.push({
          role: 'tool',
          content: `result ${id}`,
          tool_call_id: kind === 'google' || kind === 'ollama' ? name : id,
        });
      return { ...told, usage: null };
    };
    expect(await turn()).toMatchObject({
      stop: toolUse,
      text: '',
      tool_calls: [
        { name: 'add', arguments: { a: [[1], [2]], b: ']]' } },
        { name: 'look_up', arguments: {} },
      ],
    });
    expect(await turn()).toMatchObject({ stop: toolUse, tool_calls: [{ name: 'add', arguments: { a: [3] } }] });
    const last = await turn();
    expect(last).toMatchObject({ stop, tool_calls: [] });
    for (const id of ['call_1_0', 'call_1_1', 'call_4_0'])
      expect(last).toMatchObject({ text: expect.stringContaining(id) });
    const seen = await lastCall();
    expect(seen?.tools).toEqual(['add', 'look_up']);
    expect(seen?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'assistant', 'tool']);
    expect(seen?.messages[1]?.tool_calls).toMatchObject([{ name: 'add' }, { name: 'look_up', arguments: '{}' }]);
  });

  it('calls no tools that are not offered', async () => {
    expect(await client.stream(ask('Alone [[tool=add:{} delay=0]]'))).toMatchObject({ stop, tool_calls: [] });
  });

  it('is told of reasoning and of the cache, or of nothing', async () => {
    const question = ask('Think [[reason=5 cached=4 tokens=6 delay=0]]');
    const { usage, reasoning } = await client.stream(question);
    const prompt = promptTokens(await loadTokenizer(), question.messages);
    const openai = {
      prompt_tokens: prompt,
      completion_tokens: 11,
      total_tokens: prompt + 11,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    const wanted: Record<SandboxKind, object> = {
      openai,
      groq: openai,
      anthropic: {
        input_tokens: prompt - 4,
        cache_read_input_tokens: 4,
        cache_creation_input_tokens: 0,
        output_tokens: 11,
        output_tokens_details: { thinking_tokens: 5 },
      },
      google: {
        promptTokenCount: prompt,
        candidatesTokenCount: 6,
        totalTokenCount: prompt + 11,
        cachedContentTokenCount: 4,
        thoughtsTokenCount: 5,
      },
      ollama: { prompt_eval_count: prompt, eval_count: 11 },
    };
    expect(usage).toMatchObject(wanted[kind]);
    expect(reasoning === '').toBe(kind === 'openai');
    expect((await client.chat(question)).usage).toMatchObject(wanted[kind]);
    expect(await lastCall()).toMatchObject({ prompt_tokens: prompt, tokens_sent: 6, reasoning_tokens: 5 });
    const silent = (await client.chat(ask('Silent [[usage=none tokens=1 delay=0]]'))).usage ?? {};
    expect(Object.values(silent).filter((count) => count !== undefined)).toEqual([]);
  });

  it.each([true, false])('fails as told, streamed: %s', async (streamed) => {
    const fail = (directive: string) => failure(client[streamed ? 'stream' : 'chat'](ask(`break ${directive}`)));
    const status = async (directive: string) => {
      const error = await fail(directive);
      return error['status'] ?? error['status_code'];
    };
    expect(await status('[[fail=429 retry_after=3]]')).toBe(429);
    expect(await status('[[fail=500]]')).toBe(500);
    expect(await status('[[fail=529]]')).toBe(529);
    expect(await status('[[dance]]')).toBe(400);
    expect(await lastCall()).toMatchObject({ finished: false, aborted: false, prompt_tokens: 0, tokens_sent: 0 });
  });

  it.each([true, false])('fails on what is no answer, streamed: %s', async (streamed) => {
    for (const directive of ['[[html]]', '[[garbage]]', '[[cut=2 delay=0]]', '[[cut=0]]']) {
      // Ollama's SDK tells the console of lines that it cannot read, and goes on.
      const warn = jest.spyOn(console, 'warn').mockReturnValue(undefined);
      const told = await client[streamed ? 'stream' : 'chat'](ask(`spoil ${directive}`)).catch(() => undefined);
      // Some read a page as an answer that says nothing.
      expect(told?.text ?? '').toBe('');
      expect(await call(({ messages }) => messages[0]?.content === `spoil ${directive}`)).toMatchObject({
        aborted: false,
        finished: false,
      });
      warn.mockRestore();
    }
  });

  it.each(['[[hang]]', '[[hang=3 delay=0]]', '[[endless delay=1]]', '[[endless delay=0]]', '[[slow=60000]]'])(
    'can leave what does not end: %s',
    async (directive) => {
      for (const streamed of [true, false]) {
        const content = `wait ${kind} ${streamed} ${directive}`;
        const leaving = new AbortController();
        const told = client[streamed ? 'stream' : 'chat']({ ...ask(content), signal: leaving.signal }).catch(
          () => undefined,
        );
        const seen = await call(
          ({ messages, tokens_sent }) =>
            messages[0]?.content === content &&
            (directive.includes('endless') || (streamed && directive.includes('=3')) ? tokens_sent > 2 : true),
        );
        expect(seen).toMatchObject({ finished: false, aborted: false, stream: streamed });
        leaving.abort();
        await told;
        expect(await call(({ aborted }) => aborted)).toMatchObject({ finished: false, messages: [user(content)] });
      }
    },
  );

  it('succeeds when it asks often enough', async () => {
    const again = () => client.stream(ask(`retry ${kind} [[fail_times=2 fail=503 delay=0]]`));
    await failure(again());
    await failure(again());
    expect((await again()).text).toContain(`retry ${kind}`);
  });

  it('is refused with a wrong key', async () => {
    const error = await failure(sdk(kind, sandbox.url, 'sk-sandbox-invalid').chat(ask('Hello')));
    expect(error['status'] ?? error['status_code']).toBe(kind === 'google' ? 400 : 401);
  });
});
