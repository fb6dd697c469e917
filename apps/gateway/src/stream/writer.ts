import { once } from 'node:events';
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
}

/**
 * Writes the items into the body as fast as the client reads.
 *
 * @throws what the items throw; the signal's reason when it was aborted while the client did not read.
 */
export async function writeAll<T>(
  { raw }: FastifyReply,
  items: AsyncIterable<T>,
  { format, signal }: Writing<T>,
): Promise<void> {
  for await (const item of items) {
    const bytes = format(item);
    if (bytes.length === 0 || raw.write(bytes)) continue;
    await once(raw, 'drain', { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
