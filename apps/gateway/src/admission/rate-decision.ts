import { WINDOW_SECONDS } from '@taai/platform';
import type { RateLevel } from './rate-levels';

const MICROSECONDS = 1_000_000;
const WINDOW = WINDOW_SECONDS * MICROSECONDS;

/** How a level stands. */
export interface LevelState {
  level: RateLevel;
  /** What may be taken at once. */
  remaining: number;
  /** Until nothing of it is taken any more. */
  reset_seconds: number;
}

export interface Decision {
  states: LevelState[];
  /** The first level that had not enough left, and how long to wait until all have; absent when the request is admitted. */
  refusal?: { level: RateLevel; retry_after: number };
}

/** By how many microseconds it takes longer until a limit is full again, when so much is taken of it: GCRA's emission interval, times that. */
export const costOf = ({ per_minute }: RateLevel, amount: number): number => Math.floor((amount * WINDOW) / per_minute);

/** Whether a level has not enough left, of whose limit all is there at `fullAt`, in microseconds as all times here. */
const waitOf = (level: RateLevel, fullAt: number, now: number): number =>
  Math.max(0, fullAt + costOf(level, level.amount) - now - WINDOW);

export function stateOf(level: RateLevel, fullAt: number, now: number): LevelState {
  const taken = fullAt - now;
  const remaining = Math.max(0, Math.floor(((WINDOW - taken) * level.per_minute) / WINDOW));
  return { level, remaining, reset_seconds: Math.ceil(taken / MICROSECONDS) };
}

/** @param fullAt of each level: behind the taking where it was admitted, else before it */
export function decisionOf(
  levels: readonly RateLevel[],
  isAdmitted: boolean,
  now: number,
  fullAt: readonly number[],
): Decision {
  const states = levels.map((level, index) => stateOf(level, fullAt[index] ?? now, now));
  if (isAdmitted) return { states };
  const waits = levels.map((level, index) => waitOf(level, fullAt[index] ?? now, now));
  const level = levels[waits.findIndex((wait) => wait > 0)];
  if (!level) throw new Error('No level refuses what was refused.');
  return { states, refusal: { level, retry_after: Math.ceil(Math.max(...waits) / MICROSECONDS) } };
}

/** Decides by GCRA on what is known, as the script does: takes from all levels, or from none. */
export function decide(levels: readonly RateLevel[], known: readonly number[], now: number): [boolean, number[]] {
  const before = levels.map((_, index) => Math.max(known[index] ?? now, now));
  const isAdmitted = levels.every((level, index) => waitOf(level, before[index] ?? now, now) === 0);
  const after = levels.map((level, index) => (before[index] ?? now) + costOf(level, level.amount));
  return [isAdmitted, isAdmitted ? after : before];
}
