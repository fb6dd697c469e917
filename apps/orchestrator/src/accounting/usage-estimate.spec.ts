import { providerKinds } from '@taai/contracts';
import { ProviderError, type ChatMessage, type Usage } from '@taai/providers';
import type { ModelReply } from '../model/model-call';
import { tokenizers } from '../model/tokens';
import { accountFor, roughPromptTokens } from './usage-estimate';

afterAll(() => tokenizers.stop());

const replyOf = (facts: Partial<ModelReply>): ModelReply => ({
  text: '',
  reasoning_characters: 0,
  tool_calls: [],
  pieces: 1,
  stop_reason: null,
  usage: null,
  latency_ms: 1,
  failure: new ProviderError('aborted', ''),
  ...facts,
});

const usageOf = (facts: Partial<Usage>): Usage => ({
  input_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: null,
  reasoning_tokens: null,
  ...facts,
});

const messages: ChatMessage[] = [
  { role: 'system', content: 'You are a helpful assistant.' },
  { role: 'user', content: 'Tell me about the weather in Vienna.' },
];
/** 6 and 8 in o200k, 4 for each message and 2. */
const PROMPT = 6 + 8 + 4 + 4 + 2;

describe('what the provider told stays, and what it did not is estimated', () => {
  const told = { input_tokens: 90, cache_read_tokens: 5 };

  it.each<[string, Partial<ModelReply>, Partial<Usage>, boolean]>([
    ['all told', { usage: usageOf({ ...told, output_tokens: 4 }) }, { ...told, output_tokens: 4 }, false],
    ['the prompt told', { usage: usageOf(told), text: 'One two three' }, { ...told, output_tokens: 3 }, true],
    ['the answer told', { usage: usageOf({ output_tokens: 4 }) }, { input_tokens: PROMPT, output_tokens: 4 }, true],
    [
      'nothing told',
      { text: 'One two three' },
      { input_tokens: PROMPT, output_tokens: 3, reasoning_tokens: null },
      true,
    ],
    ['thoughts', { reasoning_characters: 41 }, { output_tokens: 0, reasoning_tokens: 11 }, true],
    ['zero is told', { usage: usageOf({ input_tokens: 0, output_tokens: 0 }), text: 'x' }, { output_tokens: 0 }, false],
  ])('%s', async (_, facts, usage, is_estimated) => {
    expect(await accountFor(replyOf(facts), { messages }, 'openai')).toMatchObject({ ...usage, is_estimated });
  });
});

describe('an answer that was cut', () => {
  const answer = `Vienna is warm today, 24 °C in the shade; tomorrow: thunderstorms, unwetterartig. ${'So take an umbrella, '.repeat(12)}`;

  it.each([
    ['first', 0],
    ['middle', 0.5],
    ['last', 1],
  ])('after its %s token is accounted for within 5 % of what the model made', async (_, share) => {
    const { encode, decode } = await import('gpt-tokenizer/encoding/o200k_base');
    const tokens = encode(answer);
    const made = tokens.slice(0, Math.max(1, Math.round(tokens.length * share)));
    const reply = replyOf({ text: decode(made), pieces: made.length });
    const { input_tokens, output_tokens } = await accountFor(reply, { messages }, 'openai');
    expect(input_tokens).toBe(PROMPT);
    expect(Math.abs(Number(output_tokens) - made.length)).toBeLessThanOrEqual(made.length * 0.05);
  });
});

it('counts tool calls, tools on offer and images', async () => {
  const call = { id: '1', name: 'weather', arguments: '{"city":"Vienna"}' };
  const { input_tokens: plain } = await accountFor(replyOf({}), { messages }, 'openai');
  const countOf = async (more: ChatMessage[], tools = [] as { name: string; input_schema: object }[]) => {
    const prompt = { messages: [...messages, ...more], tools: tools.map((tool) => ({ ...tool, input_schema: {} })) };
    return Number((await accountFor(replyOf({}), prompt, 'openai')).input_tokens) - Number(plain);
  };
  expect(await countOf([{ role: 'assistant', content: '', tool_calls: [call] }])).toBe(4 + 1 + 6);
  expect(await countOf([{ role: 'user', content: [{ type: 'image', url: 'data:image/png;base64,AAAA' }] }])).toBe(
    4 + 765,
  );
  expect(await countOf([], [{ name: 'weather', input_schema: {} }])).toBeGreaterThan(5);
  const reply = replyOf({ tool_calls: [call] });
  expect(await accountFor(reply, { messages }, 'openai')).toMatchObject({ output_tokens: 1 + 6 });
});

describe('each vendor’s family of tokenizers', () => {
  it.each(providerKinds)('counts for %s', async (kind) => {
    const { output_tokens } = await accountFor(replyOf({ text: 'The quick brown fox jumps.' }), { messages }, kind);
    expect(output_tokens).toBe(6);
  });

  it('takes what its vendor means by special tokens for text', async () => {
    const text = '<|endoftext|><EOT><|eot_id|>\ud800';
    for (const kind of providerKinds) {
      const { output_tokens } = await accountFor(replyOf({ text }), { messages }, kind);
      expect(output_tokens).toBeGreaterThan(3);
    }
  });
});

const nearly = (expected: number) => [expected * 0.95, expected * 1.05];

it.each([
  ['prose', 'The quick brown fox jumps over the lazy dog, and writes 42 lines of code. ', 2_000_000, 18 / 75],
  ['one letter', 'x', 2_000_000, 1 / 8],
  ['Chinese, all one word', '漢字仮名交じり文', 1_000_000, 9 / 8],
])('two megabytes of %s take no long time, and come out nearly right', async (_, piece, length, rate) => {
  const text = piece.repeat(length / piece.length);
  const begun = performance.now();
  const { output_tokens } = await accountFor(replyOf({ text }), { messages }, 'openai');
  expect(performance.now() - begun).toBeLessThan(5000);
  const [least, most] = nearly(text.length * rate);
  expect(output_tokens).toBeGreaterThan(least ?? 0);
  expect(output_tokens).toBeLessThan(most ?? 0);
});

it('ten thousand messages are as many, and their texts a sample', async () => {
  const many = Array.from({ length: 10_000 }, (): ChatMessage => ({
    role: 'user',
    content: 'One two three four five six',
  }));
  const { input_tokens } = await accountFor(replyOf({}), { messages: many }, 'openai');
  const [least, most] = nearly(10_000 * (6 + 4));
  expect(input_tokens).toBeGreaterThan(least ?? 0);
  expect(input_tokens).toBeLessThan(most ?? 0);
});

it('a quick guess is made by length', () => {
  expect(roughPromptTokens({ messages })).toBe(Math.ceil((28 + 36) / 4) + 4 + 4 + 2);
});
