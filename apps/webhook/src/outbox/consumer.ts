import { ProblemError } from '@taai/contracts';
import type { WantedEvent } from './outbox.repository';

/** Does what the fleet itself needs of events. `consumed` in outbox.repository.ts says which events each consumer takes. */
export interface Consumer {
  /** Whether `consume` is given a tenant's events together; else one by one. */
  readonly isBatched: boolean;
  /**
   * Handles the events, which come in the order of their ids. Handling one twice must have no second effect. Resolves to the ids of those
   * that can be dropped; the consumer drops the others itself. When it throws, all are left for later.
   */
  consume(events: readonly WantedEvent[]): Promise<readonly string[]>;
}

/** Ignores `not_found`, which means that the event's object was removed meanwhile. Throws anything else again. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof ProblemError && error.code === 'not_found')) throw error;
}
