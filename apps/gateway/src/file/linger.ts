import type { IncomingMessage, ServerResponse } from 'node:http';

/** For a client to read why it is refused, before the connection is closed on what it still sends. */
const LINGER_MS = 2000;

/**
 * Reads on, and forgets it, what a client still sends that has its answer; after 2 s the connection is closed. Closed at once, the
 * connection would be reset, and many a client would never see the answer.
 */
export function lingerAfter(request: IncomingMessage, response: ServerResponse): void {
  if (request.readableEnded) return;
  request.resume();
  response.once('finish', () => {
    const timer = setTimeout(() => request.destroy(), LINGER_MS).unref();
    request.once('close', () => clearTimeout(timer));
    if (request.readableEnded) clearTimeout(timer);
  });
}
