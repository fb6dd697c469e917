import type { ProblemError } from '@taai/contracts';
import { reportError, slowReaders } from '@taai/platform';
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
/** For how long a client of a stream may take nothing of what waits for it, in milliseconds. */
const PATIENCE_MS = 10_000;
/** And for how long nothing of the last words. */
const GRACE_MS = 5000;

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

/** How events are told in a stream. */
export interface EventEncoding<E> {
  /** Of the answer, besides those of every stream. */
  headers: Record<string, string>;
  /** What goes out for an event; empty for nothing. */
  format(event: E): string;
  /** What follows the last event. */
  end: string;
  /** Tells that the stream cannot go on. */
  problem(problem: ProblemError): string;
  /** What has a client come again whose stream was cut by a restart. Without it the connection breaks, which those notice who read by fetch. */
  again?: string;
}

/** The events in our own words, as browsers read them. */
export const plainEvents: EventEncoding<ServerSentEvent | StartingPoint> = {
  headers: {},
  format: (item) => {
    const id = item.id === undefined ? '' : `id: ${item.id}\n`;
    return 'type' in item ? `${id}event: ${item.type}\ndata: ${JSON.stringify(item.data)}\n\n` : `${id}\n`;
  },
  end: '',
  problem: (problem) => `event: error\ndata: ${problemBody(problem)}\n\n`,
  again: `retry: ${RETRY_MS}\n\n`,
};

/**
 * Answers with the events until they end. What fails is told, too, that the client does not read, and the end of the gateway as a request to
 * come back. Nobody waits for long for who does not read that.
 */
export async function answerEvents<E>(
  reply: FastifyReply,
  events: AsyncIterable<E>,
  encoding: EventEncoding<E>,
  signal: AbortSignal,
): Promise<void> {
  beginAnswer(reply, { ...sseHeaders, ...encoding.headers });
  try {
    const format = (event: E) => encoding.format(event);
    await writeEvents(reply, events, { format, signal, patience_ms: PATIENCE_MS });
    signal.throwIfAborted();
    reply.raw.end(encoding.end);
  } catch (error) {
    if (!reply.raw.closed) takeLeave(reply, error, encoding);
  }
  if (!reply.raw.closed) reply.raw.setTimeout(GRACE_MS, () => reply.raw.destroy());
}

function takeLeave<E>({ raw }: FastifyReply, error: unknown, encoding: EventEncoding<E>): void {
  if (error !== STOPPING) raw.end(encoding.problem(reported(error)));
  else if (encoding.again === undefined) raw.destroy();
  else raw.end(encoding.again);
}

/** The answer has begun: what nobody expected nobody behind this one would report. */
function reported(error: unknown): ProblemError {
  const problem = toProblem(error);
  if (problem.code === 'internal') reportError(error);
  if (problem.code === 'slow_reader') slowReaders.inc({ wire: 'sse' });
  return problem;
}
