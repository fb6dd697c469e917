import { LRUCache } from 'lru-cache';
import type { Message } from './chat.ts';

/** The sandbox's tokens are those of OpenAI's o200k encoding. */
export interface Tokenizer {
  count: (text: string) => number;
  /** One string a token, together the text. A character made of several tokens stands in the last of them, the others are empty. */
  split: (text: string) => readonly string[];
}

const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_PROMPT = 2;

/**
 * The tokens of a prompt: those of each message's text and of the names and arguments of its tool calls, 4 for each message, and 2. Tools
 * on offer cost nothing.
 */
export const promptTokens = ({ count }: Tokenizer, messages: readonly Message[]): number =>
  messages
    .flatMap(({ content, tool_calls = [] }) => [content, ...tool_calls.flatMap((call) => [call.name, call.arguments])])
    .reduce((total, text) => total + count(text), messages.length * TOKENS_PER_MESSAGE + TOKENS_PER_PROMPT);

/** The tokens of texts to embed: their own. */
export const inputTokens = ({ count }: Tokenizer, input: readonly string[]): number =>
  input.reduce((total, text) => total + count(text), 0);

/** The encoding takes time that grows with the square of a word: nobody's 2 MB of the same letter stops the sandbox. */
const SLICES = /[^]{1,1000}/gu;

const cache = <T extends object | number>() =>
  new LRUCache<string, T>({ maxSize: 10_000_000, sizeCalculation: (_, text) => text.length + 1 });

let loading: Promise<Tokenizer> | undefined;

/** Loads the encoding when it is first asked for: it takes a quarter of a second and 70 MB. */
export const loadTokenizer = (): Promise<Tokenizer> => (loading ??= load());

async function load(): Promise<Tokenizer> {
  const { encode, decode } = await import('gpt-tokenizer/encoding/o200k_base');
  const encodeText = (text: string): number[] =>
    (text.match(SLICES) ?? []).flatMap((slice) => encode(slice, { disallowedSpecial: new Set() }));
  const counts = cache<number>();
  const splits = cache<string[]>();
  return {
    count: (text) => counts.get(text) ?? remember(counts, text, encodeText(text).length),
    split: (text) =>
      splits.get(text) ??
      remember(
        splits,
        text,
        encodeText(text).map((token) => decode([token])),
      ),
  };
}

function remember<T extends object | number>(known: LRUCache<string, T>, text: string, value: T): T {
  known.set(text, value);
  return value;
}
