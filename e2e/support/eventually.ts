import { setTimeout as delay } from 'node:timers/promises';

/** Repeats `check` until it passes; after `seconds` its last error is the test's. */
export async function eventually<T>(check: () => Promise<T>, seconds = 20): Promise<T> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(50);
    }
  }
}
