import type { RunMessage } from '../file/stored-file';

/** What was said, with the tool calls that led to it, and the tokens of each. */
export interface Said {
  message: RunMessage;
  tokens: number;
  /** Calls of tools with their results: they go together or not at all. */
  calls: readonly RunMessage[];
  call_tokens: number;
}

/** The same behind a summary of what was said before, which goes before all turns but the newest. */
export function newestBehind(
  summary: Pick<Said, 'message' | 'tokens'>,
  said: readonly Said[],
  budget: number,
): RunMessage[] {
  const newest = said.at(-1)?.tokens ?? 0;
  if (summary.tokens + newest > budget) return newestThatFit(said, budget);
  return [summary.message, ...newestThatFit(said, budget - summary.tokens)];
}

/**
 * The newest turns that fit, oldest first. The newest turn always goes. Older ones fall out whole, the oldest first; where only the tool calls
 * of a turn do not fit, what was said goes without them, and so do the turns before it.
 */
export function newestThatFit(said: readonly Said[], budget: number): RunMessage[] {
  const kept: RunMessage[][] = [];
  let left = budget;
  let hasCalls = true;
  for (const turn of turnsOf(said).reverse()) {
    const words = sumOf(turn, ({ tokens }) => tokens);
    const calls = sumOf(turn, ({ call_tokens }) => call_tokens);
    hasCalls &&= words + calls <= left;
    if (kept.length > 0 && words > left) break;
    left -= words + (hasCalls ? calls : 0);
    kept.push(turn.flatMap(({ message, calls: made }) => (hasCalls ? [...made, message] : [message])));
  }
  return kept.reverse().flat();
}

/** A turn begins with what a user says; what comes before the first one is a turn, too. */
function turnsOf(said: readonly Said[]): Said[][] {
  const turns: Said[][] = [];
  for (const one of said) {
    const turn = turns.at(-1);
    if (turn && one.message.role !== 'user') turn.push(one);
    else turns.push([one]);
  }
  return turns;
}

const sumOf = (turn: readonly Said[], of: (one: Said) => number): number => turn.reduce((sum, one) => sum + of(one), 0);
