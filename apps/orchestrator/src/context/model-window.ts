import type { Agent } from '@taai/contracts';

/** Tokens of a model that is not listed: less than nearly all have that are in use. An agent's `context_tokens` goes before it. */
export const UNKNOWN_WINDOW = 32_000;

/** Tokens that models read and write, by the beginnings of their names, as vendors publish them; the longest beginning counts. */
const windows: readonly (readonly [beginning: string, tokens: number])[] = [
  ['gpt-3.5', 16_385],
  ['gpt-4', 8192],
  ['gpt-4-turbo', 128_000],
  ['gpt-4o', 128_000],
  ['gpt-4.1', 1_000_000],
  // What they read: what they write has room of its own.
  ['gpt-5', 272_000],
  ['gpt-6', 272_000],
  ['o1', 128_000],
  ['o3', 200_000],
  ['o4', 200_000],
  ['claude', 200_000],
  ['gemini', 1_000_000],
  ['llama-3.1', 131_072],
  ['llama-3.3', 131_072],
  ['meta-llama/llama-4', 131_072],
  ['openai/gpt-oss', 131_072],
  ['qwen/qwen3', 131_072],
];

/** Vendors count up to a third more than tokenizers that anybody can have. */
const CERTAIN_SHARE = 0.75;
/** For an answer whose length nobody has limited, and the largest share of a window that any takes. */
const ANSWER_TOKENS = 4096;
const ANSWER_SHARE = 0.25;

/** The tokens that a model reads and writes. */
export function windowOf(model: string): number {
  const known = windows.filter(([beginning]) => model.startsWith(beginning));
  return known.reduce((longest, one) => (one[0].length > longest[0].length ? one : longest), ['', UNKNOWN_WINDOW])[1];
}

/** The tokens of a prompt for the agent's model that leave room for its answer. */
export function promptRoom({ model, max_output_tokens }: Pick<Agent, 'model' | 'max_output_tokens'>): number {
  const window = windowOf(model);
  const answer = Math.min(max_output_tokens ?? ANSWER_TOKENS, window * ANSWER_SHARE);
  return Math.floor(window * CERTAIN_SHARE - answer);
}
