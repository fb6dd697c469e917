import { ProviderError, type ChatEvent, type ProviderAdapter } from '@taai/providers';
import { accountFor, addUsage } from '../accounting/usage-estimate';
import { callModel } from './model-call';
import { tokenizers } from './tokens';

afterAll(() => tokenizers.stop());

const request = { model: 'm', messages: [{ role: 'user' as const, content: '12345678' }] };
const spoken = {
  input_tokens: 5,
  cache_read_tokens: 1,
  cache_write_tokens: null,
  output_tokens: 2,
  reasoning_tokens: 0,
};

/** Says `pieces`, then ends as told. */
const adapter = (pieces: Iterable<string>, end: Extract<ChatEvent, { type: 'finish' }> | Error): ProviderAdapter => ({
  async *stream() {
    for (const text of pieces) yield { type: 'text', text };
    if (end instanceof Error) throw end;
    yield end;
  },
  embed: async () => ({ vectors: [], usage: null }),
  models: async () => [],
});

async function call(pieces: Iterable<string>, end: Parameters<typeof adapter>[1]) {
  const heard: string[] = [];
  const options = {
    signal: new AbortController().signal,
    timeout_ms: 1000,
    onEvent: (event: ChatEvent) => {
      if (event.type === 'text') heard.push(event.text);
    },
  };
  const reply = await callModel(adapter(pieces, end), request, options);
  return { heard, reply, account: await accountFor(reply, request, 'openai') };
}

describe('callModel', () => {
  it('passes text on as it comes, and gives the provider’s own figures', async () => {
    const { heard, reply, account } = await call(['Hel', 'lo\0'], {
      type: 'finish',
      stop_reason: 'stop',
      usage: spoken,
    });
    expect(heard).toEqual(['Hel', 'lo']);
    expect(reply).toMatchObject({ text: 'Hello', pieces: 2, failure: null });
    expect(account).toEqual({ ...spoken, is_estimated: false });
  });

  it('estimates what a provider does not tell', async () => {
    const { account } = await call(['One', ' two', ' three'], { type: 'finish', stop_reason: 'stop', usage: null });
    expect(account).toMatchObject({ input_tokens: 9, output_tokens: 3, is_estimated: true });
  });

  it.each([
    ['breaks off', ['a'], new ProviderError('unavailable', ''), 9, 1],
    ['breaks off before the first word', [], new ProviderError('unavailable', ''), 9, 0],
    ['is cut by us', [], new ProviderError('aborted', ''), 9, 0],
    ['refuses', [], new ProviderError('unavailable', '', { status: 500 }), 0, 0],
    ['could not be asked', [], new ProviderError('invalid_request', ''), 0, 0],
    ['meets a fault of ours', ['a'], new TypeError('bug'), 9, 1],
  ])('accounts for a call that %s', async (_, pieces, failure, input_tokens, output_tokens) => {
    const { reply, account } = await call(pieces, failure);
    expect(reply.failure).toBe(failure);
    expect(account).toMatchObject({ input_tokens, output_tokens, is_estimated: true });
  });

  it('accounts nothing for a call that never left', async () => {
    const unsent = Object.assign(new ProviderError('aborted', ''), { was_sent: false });
    const { account } = await call([], unsent);
    expect(account).toMatchObject({ input_tokens: 0, output_tokens: 0, is_estimated: false });
  });

  it('leaves a provider that does not end', async () => {
    const { reply } = await call(forever(), new Error('never'));
    expect(reply.failure).toMatchObject({ name: 'ModelFailure', code: 'output_too_long' });
    expect(reply.text).toHaveLength(400_000);
  });
});

it('leaves a provider that sends more with its tool calls than anybody keeps', async () => {
  const silent = adapter([], new Error('never'));
  const stream = async function* (): AsyncGenerator<ChatEvent> {
    for (let index = 0; ; index += 1)
      yield { type: 'tool_call', index, id: 'a', name: 'b', opaque: 'x'.repeat(100_000) };
  };
  const options = { signal: new AbortController().signal, timeout_ms: 1000, onEvent: () => undefined };
  const reply = await callModel({ ...silent, stream }, request, options);
  expect(reply.failure).toMatchObject({ name: 'ModelFailure', code: 'output_too_long' });
  expect(reply.tool_calls).toHaveLength(3);
});

function* forever() {
  for (;;) yield 'x'.repeat(1000);
}

describe('addUsage', () => {
  const none = { ...spoken, cost_micro_usd: null, is_estimated: false };

  it('sums what is known, and is an estimate if one of the two is', () => {
    expect(addUsage(null, none)).toEqual(none);
    expect(addUsage(none, { ...none, cost_micro_usd: 7, is_estimated: true })).toEqual({
      input_tokens: 10,
      cache_read_tokens: 2,
      cache_write_tokens: null,
      output_tokens: 4,
      reasoning_tokens: 0,
      cost_micro_usd: 7,
      is_estimated: true,
    });
  });
});
