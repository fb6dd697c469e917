import { Agent, type Dispatcher } from 'undici';
import { Exchange } from './exchange';

// Callers' deadlines are shorter. This ends what a caller without one would leave hanging.
const BACKSTOP_MS = 15 * 60_000;

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface LeanFetchOptions {
  /** Where requests leave, e.g. one that refuses private addresses. Default: a pool of this function's own. */
  dispatcher?: Dispatcher;
  /** Most bytes of a reply that are held at once: a whole reply, or one event or line of a stream, comments before it included. Larger ones fail. Default 4 MiB. */
  max_held_bytes?: number;
}

/**
 * A `fetch` for SDKs, straight on undici: the standard one costs about as much CPU again as all else in a short call. It does what SDKs
 * need and no more: text bodies, no redirects (a 3xx comes back as it is), no cookies, no decompression, HTTP/1.1.
 *
 * A reply of `text/event-stream` or `application/x-ndjson` is streamed, by whole events or lines; any other is read whole first. An abort destroys the socket.
 */
export function leanFetch(options: LeanFetchOptions = {}): Fetch {
  const limit = options.max_held_bytes ?? 4 * 1024 * 1024;
  const dispatcher = options.dispatcher ?? new Agent({ connections: 512, allowH2: false });
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      init.signal?.throwIfAborted();
      dispatcher.dispatch(
        toDispatch(input, init),
        new Exchange({ limit, signal: init.signal ?? undefined, resolve, reject }),
      );
    });
}

/** For those who are given none. */
export const sharedFetch = leanFetch();

function toDispatch(input: Parameters<Fetch>[0], init: RequestInit): Dispatcher.DispatchOptions {
  const url = new URL(input instanceof Request ? input.url : input);
  const headers = init.headers instanceof Headers ? init.headers : new Headers(init.headers);
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: init.method ?? 'GET',
    headers: [...[...headers].flat(), 'accept-encoding', 'identity'],
    body: textBody(init.body),
    headersTimeout: BACKSTOP_MS,
    bodyTimeout: BACKSTOP_MS,
  };
}

function textBody(body: RequestInit['body']): string | null {
  if (typeof body === 'string') return body;
  if (body === undefined || body === null) return null;
  throw new TypeError('Only text can be sent.');
}
