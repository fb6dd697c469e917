import type { Fetch } from '../http/lean-fetch';
/** A host that exists nowhere (RFC 6761). What is called within `withFetch` and should ever leave by another way ends here. */
export declare const NOWHERE = 'http://routed-fetch.invalid';
/**
 * Runs an SDK that knows the global `fetch` alone, with no option to pass another one: what it fetches goes out by `fetch`. The global
 * one is wrapped for that, again where somebody has replaced it since; calls from elsewhere pass through untouched.
 */
export declare function withFetch<T>(fetch: Fetch, work: () => Promise<T>): Promise<T>;
