import { setTimeout as delay } from 'node:timers/promises';
import { isUnavailable } from '@taai/contracts';
import { LeaseLost } from '@taai/platform';

const ATTEMPTS = 5;
const PAUSE_MS = 500;
/** Longer than a database takes to restart. By then leases have expired, so that another replica may have the work. */
const PATIENCE_MS = 30_000;

/**
 * Does the work again while what it depends on does not answer, for 30 s at most: it must do no harm a second time. Throws what the last
 * attempt did, and everything else at once.
 */
export async function untilAvailable<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || signal?.aborted || Date.now() > deadline) throw error;
      await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/**
 * Does the work of a transaction again while it fails: a database that restarts, or a deadlock, must not cost an answer that was paid for, or a
 * tool's result. Throws `LeaseLost` at once.
 */
export async function untilCommitted<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await untilAvailable(work);
    } catch (error) {
      if (error instanceof LeaseLost || isUnavailable(error) || attempt === ATTEMPTS) throw error;
      await delay(PAUSE_MS);
    }
  }
}
