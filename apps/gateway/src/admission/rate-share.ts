import { LRUCache } from 'lru-cache';
import { decide, decisionOf, type Decision } from './rate-decision';
import type { RateScope } from './rate-levels';

const MAX_FIELDS = 50_000;
/** What a gateway admits by itself of each limit: several of them must not admit much more than all of it together. */
const SHARE = 1 / 4;
const MICROSECONDS = 1000;

/** Decides on rates without Redis, for this process alone, within a share of each limit. */
export class RateShare {
  /** When limits are full again, by whose they are and their field. */
  private readonly fullAt = new LRUCache<string, number>({ max: MAX_FIELDS });

  take({ whose, levels }: RateScope): Decision {
    const now = Math.floor(performance.now() * MICROSECONDS);
    const shares = levels.map((level) => ({ ...level, per_minute: Math.max(1, Math.floor(level.per_minute * SHARE)) }));
    const names = levels.map(({ field }) => `${whose} ${field}`);
    const known = names.map((name) => this.fullAt.get(name) ?? now);
    const [isAdmitted, fullAt] = decide(shares, known, now);
    names.forEach((name, index) => this.fullAt.set(name, fullAt[index] ?? now));
    return decisionOf(shares, isAdmitted, now, fullAt);
  }
}
