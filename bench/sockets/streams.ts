import { percentile } from '../report.ts';
import type { Crowds } from './crowds.ts';
import type { Answered } from './crowd-task.ts';

/** Of each answer: long enough for all to begin before the first one ends. */
const tokensFor = (streams: number) => Math.max(500, 3 * streams);

/** Of conversations that are answered at once, while all of them are. */
export interface StreamFigures {
  streams: number;
  p50: number;
  p99: number;
  /** Tokens that were sent in a second: a slow machine's provider is late. */
  tokens_per_second: number;
  /** Answers that were begun anew, because the provider or an orchestrator came to a halt. */
  retried: number;
}

/** Has a message answered in each conversation at once, each with one client. Throws unless every token comes, in order, once. */
export async function measureStreams(crowds: Crowds, ids: readonly string[]): Promise<StreamFigures> {
  const answered = await crowds.answer(ids, tokensFor(ids.length));
  if (answered.length !== ids.length) throw new Error(`${answered.length} of ${ids.length} streams came.`);
  const [begin, end] = meanwhile(answered);
  const took = answered.flatMap(({ sent, took }) => took.filter((_, n) => within(sent[n], begin, end)));
  const tokens_per_second = (took.length * 1000) / (end - begin);
  const retried = answered.reduce((sum, one) => sum + one.retried, 0);
  return { streams: ids.length, p50: percentile(took, 50), p99: percentile(took, 99), tokens_per_second, retried };
}

/** From the first token of the last stream to the last one of the first. */
function meanwhile(answered: Answered): [number, number] {
  const begin = Math.max(...answered.map(({ sent }) => sent[0] ?? NaN));
  const end = Math.min(...answered.map(({ sent }) => sent.at(-1) ?? NaN));
  if (!(begin < end)) throw new Error('The streams were not answered at once.');
  return [begin, end];
}

const within = (value: number | undefined, begin: number, end: number) =>
  value !== undefined && value >= begin && value <= end;
