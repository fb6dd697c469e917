import { invalidField } from './problem';

const RFC3339 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/i;

/**
 * A client's date, or date and time with its offset, in UTC to the millisecond. Throws `validation_failed` with `path` for
 * what ISO 8601 allows besides (weeks, local times) and for years that are not 1 to 9999.
 */
export function readTimestamp(path: string, text: string): string {
  const time = RFC3339.test(text) ? Date.parse(text) : NaN;
  const utc = Number.isNaN(time) ? '' : new Date(time).toISOString();
  if (!/^\d{4}-/.test(utc) || utc.startsWith('0000')) throw invalidField(path, 'must be a time as RFC 3339 writes it');
  return utc;
}
