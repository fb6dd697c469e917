import type { InspectedFile } from '../chat/file.contract';
import { contract, typed } from '../contract';
import { limits } from '../schema/limits';

/** A file that a link leads to, and where it belongs. */
export interface FetchLink {
  url: string;
  file_id: string;
  /** Bytes. */
  most: number;
}

/** What was fetched and is in the store. */
export interface FetchedLink extends InspectedFile {
  /** As the link calls it. */
  filename: string;
  stored_as: string;
}

/** The orchestrator calls what tenants name, and has the store: so it fetches for messages, too. */
export const linkContract = contract('orchestrator.link', {
  fetch: {
    summary: 'Fetch the file that a link leads to, once, into the store',
    callers: ['gateway'],
    input: typed<FetchLink>(),
    output: typed<FetchedLink>(),
    long: true,
    cancellable: true,
    timeout_ms: limits.linkFetchMs + 5000,
    effect: 'once',
  },
});
