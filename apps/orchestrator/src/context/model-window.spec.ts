import { promptRoom, UNKNOWN_WINDOW, windowOf } from './model-window';

it.each([
  ['gpt-4', 8192],
  ['gpt-4o-mini', 128_000],
  ['gpt-4.1-nano', 1_000_000],
  ['gpt-6.2-astra', 272_000],
  ['claude-sonnet-5-5', 200_000],
  ['gemini-3.8-flash', 1_000_000],
  ['llama-3.3-70b-versatile', 131_072],
  ['my-own-model', UNKNOWN_WINDOW],
  ['', UNKNOWN_WINDOW],
])('the window of %s', (model, tokens) => expect(windowOf(model)).toBe(tokens));

it.each([
  ['gpt-4o', null, 91_904],
  ['gpt-4o', 10_000, 86_000],
  ['gpt-4o', 1_000_000, 64_000],
  ['gpt-4', null, 4096],
])('a prompt for %s leaves room for an answer of %p tokens', (model, max_output_tokens, room) =>
  expect(promptRoom({ model, max_output_tokens })).toBe(room),
);
