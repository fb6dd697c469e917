import { parentPort } from 'node:worker_threads';

// A thread of its own: loading a vocabulary and counting would hold up every stream of the process. Of the workspace it imports nothing,
// so that it runs as it is, too.

type Count = (text: string) => number;
type Request = { id: number; family: string; texts: string[] };

const families: Record<string, () => Promise<Count>> = {
  async o200k() {
    const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
    const options = { disallowedSpecial: new Set<string>() };
    return (text) => countTokens(text, options);
  },
  async claude() {
    const { getTokenizer } = await import('@anthropic-ai/tokenizer');
    const tokenizer = getTokenizer();
    return (text) => tokenizer.encode(text.normalize('NFKC'), [], []).length;
  },
  async llama3() {
    const { default: tokenizer } = await import('llama3-tokenizer-js');
    return (text) => tokenizer.encode(text, { bos: false, eos: false }).length;
  },
};

const loaded = new Map<string, Promise<Count>>();

function load(family: string): Promise<Count> {
  const count = loaded.get(family) ?? families[family]?.() ?? Promise.reject(new Error(`No tokenizer: ${family}.`));
  loaded.set(family, count);
  return count;
}

/**
 * The time it takes grows with the square of a word, and Chinese text is one word: it is counted in slices, cut before a space where there
 * is one, so that no token of a shorter word is cut.
 */
const SLICES = /[^]{1,500}(?= )|[^]{1,500}/gu;

async function answer({ id, family, texts }: Request): Promise<void> {
  try {
    const count = await load(family);
    const answer = texts.map((text) => (text.match(SLICES) ?? []).reduce((sum, slice) => sum + count(slice), 0));
    parentPort?.postMessage({ id, answer });
  } catch (error) {
    parentPort?.postMessage({ id, reason: error instanceof Error ? error.message : 'unknown' });
  }
}

parentPort?.on('message', (request: Request) => void answer(request));
