import { setTimeout as delay } from 'node:timers/promises';
import type { Crowds, Place } from './crowds.ts';
import { memoryOf } from './memory.ts';

export const ROOM = 100;
/** Sockets at which delivery is measured, and at which memory is. */
export const STAGES = [10_000, 15_000] as const;
/** Rooms in which a message is answered, one after the other. */
const ANSWERS = 2;
const TOKENS = 150;
/** V8 gives back what it has no use for when little is going on. */
const SETTLE_MS = 10_000;

export interface Server extends Place {
  pid: number;
}

/** Of one server, while more and more sockets are connected. */
export interface CrowdFigures {
  /** Megabytes in memory without a socket, and at each stage. */
  megabytes: number[];
  /** The most at any time. */
  peak: number;
  /** Milliseconds from the sending of a token to each client of its room. */
  each: number[];
  /** To the last client of its room. */
  last: number[];
}

/** Connects `ROOM` sockets to each conversation, has a message answered where others are idle, and connects more. */
export async function measureCrowded(
  server: Server,
  crowds: Crowds,
  conversations: readonly string[],
): Promise<CrowdFigures> {
  const megabytes = [(await memoryOf(server.pid)).now];
  const figures = { each: [] as number[], last: [] as number[] };
  for (const [stage, sockets] of STAGES.entries()) {
    const from = (STAGES[stage - 1] ?? 0) / ROOM;
    const ids = conversations.slice(from, sockets / ROOM).flatMap((id) => Array.from({ length: ROOM }, () => id));
    await crowds.connect(server, ids);
    await delay(SETTLE_MS);
    megabytes.push((await memoryOf(server.pid)).now);
    if (stage > 0) continue;
    for (const id of conversations.slice(0, ANSWERS)) await measureRoom(crowds, id, figures);
  }
  const { peak } = await memoryOf(server.pid);
  await crowds.leave();
  return { megabytes, peak, ...figures };
}

async function measureRoom(crowds: Crowds, id: string, { each, last }: Pick<CrowdFigures, 'each' | 'last'>) {
  const answered = await crowds.answer([id], TOKENS);
  if (answered.length !== ROOM) throw new Error(`${answered.length} clients of ${ROOM} were answered.`);
  for (const { took } of answered) each.push(...took);
  for (let n = 0; n < TOKENS; n += 1) last.push(Math.max(...answered.map(({ took }) => took[n] ?? NaN)));
}
