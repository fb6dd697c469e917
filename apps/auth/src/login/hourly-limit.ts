import { keys, type RedisClient } from '@taai/platform';
import type { Result } from 'ioredis';
import { assertNoWait } from '../refusals';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    countHourly(key: string, limit: number, taken: number): Result<number, Context>;
  }
}

// Answers the milliseconds until the hour is over when `limit` (ARGV[1]) would be exceeded, else 0. ARGV[2]: how much is taken.
const lua = `
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], 3600000) end
if count + 1 - ARGV[2] > tonumber(ARGV[1]) then return redis.call('PTTL', KEYS[1]) end
return 0
`;

/** How often something may happen within an hour to each of those whom it happens to. Kept in Redis, for all replicas. */
export class HourlyLimit {
  /** @param what Names the limit in Redis. */
  constructor(
    private readonly redis: RedisClient,
    private readonly what: string,
    private readonly limit: number,
  ) {
    redis.defineCommand('countHourly', { numberOfKeys: 1, lua });
  }

  /** Whether it may happen, which is counted. `whose`: nothing personal in plain text. */
  async allows(whose: string): Promise<boolean> {
    return (await this.count(whose, 1)) === 0;
  }

  /** Counts it; throws `rate_limited` when it was too much. */
  async take(whose: string): Promise<void> {
    assertNoWait(await this.count(whose, 1));
  }

  /** Throws `rate_limited` when once more would be too much. */
  async check(whose: string): Promise<void> {
    assertNoWait(await this.count(whose, 0));
  }

  private count(whose: string, taken: number): Promise<number> {
    return this.redis.countHourly(keys.hourly(this.what, whose), this.limit, taken);
  }
}
