import { loadTokenizer, promptTokens, type Tokenizer } from './tokens';

let tokenizer: Tokenizer;

beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

it.each(['', 'Two words', 'Ünïcödé 中文 𠮷 👩‍👩‍👧', '<|endoftext|>', `${'long text, '.repeat(500)}end`, '\ud800 alone'])(
  'splits %j into as many pieces as it counts',
  (text) => {
    const pieces = tokenizer.split(text);
    expect(pieces.join('')).toBe(text.toWellFormed());
    expect(pieces).toHaveLength(tokenizer.count(text));
  },
);

it('counts texts, tool calls, and what each message costs', () => {
  const tool_calls = [{ id: 'x', name: 'add', arguments: '{"a":1}' }];
  expect(
    promptTokens(tokenizer, [
      { role: 'user', content: 'Hello world' },
      { role: 'assistant', content: '', tool_calls },
    ]),
  ).toBe(2 + 4 + 2 + 4 + tokenizer.count('add') + tokenizer.count('{"a":1}'));
});

it('takes 2 MB of one letter', () => {
  expect(tokenizer.count('x'.repeat(2_000_000))).toBeGreaterThan(200_000);
});
