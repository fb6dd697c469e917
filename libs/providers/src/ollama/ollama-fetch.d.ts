import type { Fetch } from '../http/lean-fetch';
/**
 * The way out for one call of Ollama's SDK, which has no signal for one call, tells nothing of an error's headers, and prints what it cannot
 * read.
 */
export declare const fetchForCall: (fetch: Fetch, signal: AbortSignal, secret: string) => Fetch;
/** Where the reply is a stream of JSON lines: the SDK passes over lines that are no JSON, and reads on for those that never come. */
export declare const withStrictLines: (fetch: Fetch) => Fetch;
