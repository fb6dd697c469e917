import { AsyncLocalStorage } from 'node:async_hooks';
import type { Fetch } from '../http/lean-fetch';

/** A host that exists nowhere (RFC 6761). What is called within `withFetch` and should ever leave by another way ends here. */
export const NOWHERE = 'http://routed-fetch.invalid';

const scope = new AsyncLocalStorage<Fetch>();
let installed: typeof globalThis.fetch | undefined;

/**
 * Runs an SDK that knows the global `fetch` alone, with no option to pass another one: what it fetches goes out by `fetch`. The global
 * one is wrapped for that, again where somebody has replaced it since; calls from elsewhere pass through untouched.
 */
export function withFetch<T>(fetch: Fetch, work: () => Promise<T>): Promise<T> {
  if (globalThis.fetch !== installed) globalThis.fetch = installed = wrap(globalThis.fetch);
  return scope.run(fetch, work);
}

const wrap =
  (standard: typeof globalThis.fetch): typeof globalThis.fetch =>
  (input, init) => {
    const fetch = scope.getStore();
    // Outside the scope again, lest a `fetch` that is built on the global one meets itself.
    return fetch ? scope.exit(() => fetch(input, init)) : standard(input, init);
  };
