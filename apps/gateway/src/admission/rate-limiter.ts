import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { defineRateScripts, keys, log, messageOf, REDIS, type RedisClient } from '@taai/platform';
import { decisionOf, stateOf, type Decision, type LevelState } from './rate-decision';
import type { RateScope } from './rate-levels';
import { RateShare } from './rate-share';
import { withinMs } from './within-ms';

/** How long a decision may take: who cannot be asked by then counts as gone. */
const DECISION_MS = 100;
/** How long Redis is left alone then. */
const GONE_MS = 1000;

const MINUTE_MS = 60_000;

/** Long enough for runs to be charged for their tokens at their end. */
const HASH_SLACK_MS = 60 * MINUTE_MS;

/**
 * Decides on rates: one round trip for all levels of a request, by the clock of Redis. Without Redis, or while it is too slow, each gateway
 * admits a share of its own; of guarded routes it admits nothing.
 */
@Injectable()
export class RateLimiter {
  private readonly share = new RateShare();
  private isGone = false;
  /** By `performance.now()`. */
  private askedAt = -Infinity;

  constructor(@Inject(REDIS) private readonly redis: RedisClient) {
    defineRateScripts(redis);
  }

  /** Throws `service_unavailable` for a guarded route while Redis does not answer. */
  async take(scope: RateScope, isGuarded: boolean): Promise<Decision> {
    const { whose, levels } = scope;
    const fields = levels.flatMap(({ field, per_minute, amount }) => [field, per_minute, amount]);
    const answer = await this.ask(() => this.redis.takeRates(keys.rates(whose), slackOf(scope), ...fields));
    if (answer) {
      const [isAdmitted, now = 0, ...fullAt] = answer;
      return decisionOf(levels, isAdmitted === 1, now, fullAt);
    }
    if (isGuarded) throw unknowable();
    return this.share.take(scope);
  }

  /** How the levels stand; takes nothing. Throws `service_unavailable`. */
  async read({ whose, levels }: RateScope): Promise<LevelState[]> {
    if (levels.length === 0) return [];
    const fields = levels.map(({ field }) => field);
    const answer = await this.ask(() => this.redis.readRates(keys.rates(whose), ...fields));
    if (!answer) throw unknowable();
    const [now = 0, ...fullAt] = answer;
    return levels.map((level, index) => stateOf(level, fullAt[index] ?? now, now));
  }

  /** Resolves to undefined when Redis does not answer in time. While it does not, one request a second asks it, and no other waits for it. */
  private async ask(command: () => Promise<number[]>): Promise<number[] | undefined> {
    const now = performance.now();
    if (this.isGone && now - this.askedAt < GONE_MS) return undefined;
    this.askedAt = now;
    try {
      const answer = await withinMs(command(), DECISION_MS);
      this.tell(false);
      return answer;
    } catch (error) {
      this.tell(true, messageOf(error));
      return undefined;
    }
  }

  private tell(isGone: boolean, reason?: string): void {
    if (isGone !== this.isGone) log.warn({ reason }, isGone ? 'rates are limited without Redis' : 'Redis limits rates');
    this.isGone = isGone;
  }
}

const slackOf = ({ levels }: RateScope): number =>
  levels.some(({ name }) => name === 'tokens') ? HASH_SLACK_MS : MINUTE_MS;

const unknowable = () =>
  new ProblemError('service_unavailable', 'Nobody can tell what is left of the limits.', {
    retry_after: Math.ceil(GONE_MS / 1000),
  });
