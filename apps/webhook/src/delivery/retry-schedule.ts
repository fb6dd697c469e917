const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds before each further attempt (Standard Webhooks, "Deliverability and reliability"): 9 attempts over some 52 hours. */
const waits = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR];

export const MAX_ATTEMPTS = waits.length + 1;

/**
 * Milliseconds until the next attempt after `attempts` failed ones, up to a tenth longer than scheduled, so that what failed
 * together does not come back together. Undefined: there is no further attempt.
 */
export function retryDelay(attempts: number, random = Math.random()): number | undefined {
  const wait = waits[attempts - 1];
  return wait === undefined ? undefined : Math.round(wait * (1 + random / 10));
}
