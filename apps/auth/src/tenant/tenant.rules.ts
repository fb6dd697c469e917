import { invalidField } from '@taai/contracts';

type Settings = Record<string, unknown>;

const MAX_SETTINGS_BYTES = 16_384;

/** `settings` with `changes` laid over them, key by key; null removes a key. Throws `validation_failed` when they grow too large. */
export function changedSettings(settings: Settings, changes: Settings): Settings {
  const entries = Object.entries({ ...settings, ...changes }).filter(([, value]) => value !== null);
  const changed = Object.fromEntries(entries);
  if (Buffer.byteLength(JSON.stringify(changed)) > MAX_SETTINGS_BYTES) {
    throw invalidField('settings', `must have ${MAX_SETTINGS_BYTES} bytes of JSON at most in all`);
  }
  return changed;
}

const DAY_MS = 24 * 3600 * 1000;
/** Within it every gateway has heard that the tenant is closed, and the requests under way have ended. */
const LEAST_GRACE_MS = 15_000;

/** When a tenant whose deletion is asked for at `now` loses its rows. */
export const deletionTime = (now: Date, graceDays: number): Date =>
  new Date(now.getTime() + Math.max(graceDays * DAY_MS, LEAST_GRACE_MS));
