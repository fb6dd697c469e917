import { type Dispatcher } from 'undici';
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
export declare function leanFetch(options?: LeanFetchOptions): Fetch;
/** For those who are given none. */
export declare const sharedFetch: Fetch;
