import { reportError } from '@taai/platform';
import type { FastifyReply } from 'fastify';
import { problemBody, toProblem } from '../http/problem.filter';
import { STOPPING } from './open-streams';
import { beginAnswer, writeAll, type Writing } from './writer';

export interface ServerSentEvent {
  /** Where a reader that was cut goes on; without one at the last id before. */
  id?: number | string;
  type: string;
  data: unknown;
}

/** No event: where a reader goes on that is cut before the first one. */
export interface StartingPoint {
  id: number | string;
}

export const sseHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

const KEEP_ALIVE_MS = 15_000;
/** Milliseconds after which a client whose stream was ended by a restart comes back, with `Last-Event-ID`. */
const RETRY_MS = 1000;

/** As `writeAll`, with a comment every 15 s: before the first item it begins the answer. */
export async function writeEvents<T>(reply: FastifyReply, items: AsyncIterable<T>, writing: Writing<T>): Promise<void> {
  const keepAlive = setInterval(() => {
    if (!reply.raw.headersSent) beginAnswer(reply, sseHeaders);
    reply.raw.write(':\n\n');
  }, KEEP_ALIVE_MS);
  try {
    await writeAll(reply, items, writing);
  } finally {
    clearInterval(keepAlive);
  }
}

/** Answers with the events until they end. What fails is an event, too, and the end of the gateway a request to come back. */
export async function answerEvents(
  reply: FastifyReply,
  events: AsyncIterable<ServerSentEvent | StartingPoint>,
  signal: AbortSignal,
): Promise<void> {
  beginAnswer(reply, sseHeaders);
  try {
    await writeEvents(reply, events, { format, signal });
    signal.throwIfAborted();
    reply.raw.end();
  } catch (error) {
    if (!reply.raw.closed) reply.raw.end(farewell(error));
  }
}

function format(item: ServerSentEvent | StartingPoint): string {
  const id = item.id === undefined ? '' : `id: ${item.id}\n`;
  return 'type' in item ? `${id}event: ${item.type}\ndata: ${JSON.stringify(item.data)}\n\n` : `${id}\n`;
}

function farewell(error: unknown): string {
  if (error === STOPPING) return `retry: ${RETRY_MS}\n\n`;
  const problem = toProblem(error);
  // The answer has begun: nobody behind this one would report it.
  if (problem.code === 'internal') reportError(error);
  return `event: error\ndata: ${problemBody(problem)}\n\n`;
}
