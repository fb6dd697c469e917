import { percentile } from '../report.ts';
import type { Crowds } from './crowds.ts';
import type { Answered } from './crowd-task.ts';

/** Of each answer: long enough for all to begin before the first one ends. */
const tokensFor = (streams: number) => Math.max(750, 3 * streams);

/** Of conversations that are answered at once, while nine in ten of them are. */
export interface StreamFigures {
  streams: number;
  /** As many were under way all the time: none where a slow machine begins the last when the first have ended, and all tokens count. */
  at_once: number;
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
  const at_once = answered.filter(
    ({ sent }) => within(begin, sent[0], sent.at(-1)) && within(end, sent[0], sent.at(-1)),
  );
  return {
    streams: ids.length,
    at_once: at_once.length,
    p50: percentile(took, 50),
    p99: percentile(took, 99),
    tokens_per_second,
    retried,
  };
}

/** From when nine in ten have begun until one in ten has ended. */
function meanwhile(answered: Answered): [number, number] {
  const begins = answered.map(({ sent }) => sent[0] ?? NaN);
  const ends = answered.map(({ sent }) => sent.at(-1) ?? NaN);
  const [begin, end] = [percentile(begins, 90), percentile(ends, 10)];
  return begin < end ? [begin, end] : [Math.min(...begins), Math.max(...ends)];
}

const within = (value = NaN, begin = NaN, end = NaN) => value >= begin && value <= end;
