import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Calls `probe` until it gives something other than undefined.
 * Undefined after `timeoutMs`: the caller says what was awaited. An error of `probe` ends the waiting.
 */
export async function waitFor<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  timeoutMs: number,
  everyMs = 50,
): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined || Date.now() >= deadline) return found;
    await sleep(everyMs);
  }
}
