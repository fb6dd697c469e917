import { ProblemError } from '@taai/contracts';
import type { Remaining } from './outbox.repository';

/** One of the fleet's own uses of events. Which ones it takes, `consumed` in outbox.repository.ts says. */
export interface Consumer {
  /** Whether a tenant's events are handed over together; else one by one. */
  readonly isBatched: boolean;
  /**
   * Does what the events, in the order of their ids, ask for; doing it twice does nothing more. Resolves to the ids of those that
   * can be dropped; the consumer sees to the others. Throws: they are left for later.
   */
  consume(events: readonly Remaining[]): Promise<readonly string[]>;
}

/** What the event is about was removed meanwhile: there is nothing to be done. */
export function unlessGone(error: unknown): undefined {
  if (!(error instanceof ProblemError && error.code === 'not_found')) throw error;
}
