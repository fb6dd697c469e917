import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { ProblemError } from '@taai/contracts';
import type { FastifyReply } from 'fastify';

/** Sends status 200 and the headers, those that hooks have set (request id, security, CORS) too. The body is the caller's to write. */
export function beginAnswer(reply: FastifyReply, headers: Record<string, string | number>): void {
  const { raw } = reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, headers);
  raw.flushHeaders();
}

export interface Writing<T> {
  /** What goes out for an item, empty for nothing. Called before it is written, so it may begin the answer. */
  format: (item: T) => string | Buffer;
  signal: AbortSignal;
  /** How long a client may take nothing at all of what waits for it, in milliseconds; absent: as long as its connection lasts. */
  patience_ms?: number;
}

/**
 * Writes the items into the body as fast as the client reads.
 *
 * @throws what the items throw; the signal's reason when it was aborted while the client did not read; `slow_reader` when the client took
 * nothing for too long.
 */
export async function writeAll<T>(
  { raw }: FastifyReply,
  items: AsyncIterable<T>,
  { format, signal, patience_ms }: Writing<T>,
): Promise<void> {
  for await (const item of items) {
    const bytes = format(item);
    if (bytes.length === 0 || raw.write(bytes)) continue;
    await (patience_ms === undefined ? drained(raw, signal) : drainedSoon(raw, signal, patience_ms));
  }
}

const drained = (raw: ServerResponse, signal: AbortSignal): Promise<unknown> =>
  once(raw, 'drain', { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });

/** The time begins anew with every byte that the client takes. */
async function drainedSoon(raw: ServerResponse, signal: AbortSignal, patience_ms: number): Promise<void> {
  const late = new AbortController();
  const giveUp = () => late.abort(new ProblemError('slow_reader'));
  const usual = raw.socket?.timeout ?? 0;
  raw.setTimeout(patience_ms, giveUp);
  try {
    await drained(raw, AbortSignal.any([signal, late.signal]));
  } finally {
    raw.off('timeout', giveUp);
    raw.setTimeout(usual);
  }
}
