import { invalidField, limits, type UsageQuery } from '@taai/contracts';

/** `from` inclusive, `to` exclusive. */
export interface Period {
  from: Date;
  to: Date;
}

const DEFAULT_MS = limits.defaultUsageSeconds * 1000;

/** The time that a query asks for; the 30 days before `to`, and before now, if it does not say. */
export function periodOf({ from, to }: UsageQuery, now = new Date()): Period {
  const end = to === undefined ? now : instant('to', to);
  const start = from === undefined ? new Date(end.getTime() - DEFAULT_MS) : instant('from', from);
  if (start >= end) throw invalidField('from', 'must be before `to`');
  return { from: start, to: end };
}

/** A day means its start; a time without a zone is UTC. */
function instant(path: string, text: string): Date {
  const isLocal = /T/i.test(text) && !/(Z|[+-]\d\d(:?\d\d)?)$/i.test(text);
  const time = new Date(isLocal ? `${text}Z` : text);
  if (Number.isNaN(time.getTime()))
    throw invalidField(path, 'must be a day such as 2026-01-31, or a time such as 2026-01-31T08:00:00Z');
  return time;
}
