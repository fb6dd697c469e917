import { invalidField, limits } from '@taai/contracts';

type Settings = Record<string, unknown>;

/** Merges `changes` into `settings`, key by key; null removes a key. Throws `validation_failed` when they grow too large. */
export function changedSettings(settings: Settings, changes: Settings): Settings {
  const entries = Object.entries({ ...settings, ...changes }).filter(([, value]) => value !== null);
  const changed = Object.fromEntries(entries);
  if (Buffer.byteLength(JSON.stringify(changed)) > limits.settingsBytes) {
    throw invalidField('settings', `must have ${limits.settingsBytes} bytes of JSON at most in all`);
  }
  return changed;
}

const DAY_MS = 24 * 3600 * 1000;
/** Within this time every gateway has heard that the tenant is closed, and the requests under way have ended. */
const LEAST_GRACE_MS = 15_000;

/** Returns when a tenant whose deletion is asked for at `now` loses its rows. */
export const deletionTime = (now: Date, graceDays: number): Date =>
  new Date(now.getTime() + Math.max(graceDays * DAY_MS, LEAST_GRACE_MS));
