import { join } from 'node:path';
import type { ProviderKind } from '@taai/contracts';
import { log } from '@taai/platform';
import { WorkerThread } from '../thread/worker-thread';

/**
 * Whose vocabulary counts for whom. Google publishes none that is small enough to ship; o200k is the nearest in size to the 256,000 pieces
 * of Gemini's, and as multilingual. Anthropic's is that of Claude 2: the models since 4.7 count up to a third more.
 */
const families: Record<ProviderKind, string> = {
  openai: 'o200k',
  google: 'o200k',
  anthropic: 'claude',
  groq: 'llama3',
  ollama: 'llama3',
};

/** Characters that are tokenised. */
const MAX_CHARACTERS = 65_536;
/** The shortest piece of a text that is tokenised in part: the pieces of a short text have other tokens than the text. */
const MIN_PIECE = 2000;
const CHARACTERS_PER_TOKEN = 4;

/** Loading a vocabulary takes up to a second of a whole core. */
const TIMEOUT_MS = 10_000;

export const tokenizers = new WorkerThread<{ family: string; texts: readonly string[] }, number[]>(
  join(import.meta.dirname, 'tokenizer.worker'),
  { timeoutMs: TIMEOUT_MS },
);

/** Estimates the tokens of a text by its number of characters, without a tokenizer. */
export const roughTokens = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);

/** The tokens of all texts together, by a tokenizer of the vendor's family; extrapolated beyond 64 k characters. It does not throw. */
export async function countTokens(kind: ProviderKind, texts: readonly string[]): Promise<number> {
  return Math.round(sumOf(await tokensOfEach(kind, texts)));
}

/** The same for each text by itself, rounded up. */
export const countEach = async (kind: ProviderKind, texts: readonly string[]): Promise<number[]> =>
  (await tokensOfEach(kind, texts)).map(Math.ceil);

async function tokensOfEach(kind: ProviderKind, texts: readonly string[]): Promise<number[]> {
  const characters = lengthOf(texts);
  if (characters === 0) return texts.map(() => 0);
  const sample = sampleOf(texts, Math.min(1, MAX_CHARACTERS / characters));
  try {
    const counts = await tokenizers.ask({ family: families[kind], texts: sample });
    const usual = sumOf(counts) / lengthOf(sample);
    return texts.map((text, index) => {
      const { length } = sample[index] ?? '';
      return length === 0 ? text.length * usual : ((counts[index] ?? 0) * text.length) / length;
    });
  } catch (error) {
    log.warn({ err: error }, 'tokens are guessed from the number of characters');
    return texts.map(({ length }) => roughTokens(length));
  }
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

/** A share of all texts: of long ones the beginning, of short ones one here and there. */
function sampleOf(texts: readonly string[], share: number): string[] {
  let owed = 0;
  return texts.map((text) => {
    owed += text.length * share;
    const part = owed >= Math.min(text.length, MIN_PIECE) ? text.slice(0, Math.ceil(owed)) : '';
    owed -= part.length;
    return part;
  });
}

export const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);
