import { setTimeout as delay } from 'node:timers/promises';
import { LeaseLost } from '@taai/platform';

const ATTEMPTS = 5;
const PAUSE_MS = 1000;

/**
 * Does the work of a transaction again while it fails: a database that restarts must not cost an answer that was paid for, or a tool's
 * result. Throws what the fifth attempt did, and `LeaseLost` at once.
 */
export async function retryUntilCommitted<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LeaseLost || attempt === ATTEMPTS) throw error;
      await delay(PAUSE_MS);
    }
  }
}
