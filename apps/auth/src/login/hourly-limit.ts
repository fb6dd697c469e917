import { ProblemError } from '@taai/contracts';
import { keys, type RedisClient } from '@taai/platform';
import type { Result } from 'ioredis';

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

/** Limits how often something happens within an hour, for each key on its own. The counts are kept in Redis, for all replicas. */
export class HourlyLimit {
  /** @param what Names the limit in Redis. */
  constructor(
    private readonly redis: RedisClient,
    private readonly what: string,
    private readonly limit: number,
  ) {
    redis.defineCommand('countHourly', { numberOfKeys: 1, lua });
  }

  /** Counts it. Resolves to whether it is within the limit. `whose` is the key: nothing personal in plain text. */
  async allows(whose: string): Promise<boolean> {
    return (await this.count(whose, 1)) === 0;
  }

  /** Counts it. Throws `rate_limited` beyond the limit. */
  async take(whose: string): Promise<void> {
    assertNoWait(await this.count(whose, 1));
  }

  /** Throws `rate_limited` when the limit is reached. Counts nothing. */
  async check(whose: string): Promise<void> {
    assertNoWait(await this.count(whose, 0));
  }

  private count(whose: string, taken: number): Promise<number> {
    return this.redis.countHourly(keys.hourly(this.what, whose), this.limit, taken);
  }
}

/** Throws `rate_limited` unless there are no milliseconds to wait. */
export function assertNoWait(wait_ms: number): void {
  if (wait_ms > 0) throw new ProblemError('rate_limited', undefined, { retry_after: Math.ceil(wait_ms / 1000) });
}
