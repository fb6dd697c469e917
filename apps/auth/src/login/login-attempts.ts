import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { keys, log, REDIS, sha256, type RedisClient } from '@taai/platform';
import { defineLoginScripts } from './login-attempts.script';
import { currentNetwork } from './network';
import { assertNoWait } from './hourly-limit';
import { KeyedSemaphore } from './semaphore';

type Outcome = 'failed' | 'succeeded' | 'undecided';

const outcomeOf = (error: unknown): Outcome =>
  error instanceof ProblemError && error.code === 'invalid_credentials' ? 'failed' : 'undecided';

/** How many attempts at one account run at once: as many as a replica hashes at once for all accounts. */
const TURNS = { slots: 2, waiting: 256, patience_ms: 12_000 };

/**
 * Slows down guessing of passwords. After 5 failures an account's next attempt waits for 1, 2, 4, … at most 60 s, after 20 the
 * same holds for attempts from a network; a quarter of an hour without failure forgets them. An attempt is charged to the
 * account when it begins and given back unless it fails, so that many at once are no way around. Networks that the account was
 * logged in from within 30 days need not wait for it: else anybody could lock its owner out.
 */
@Injectable()
export class LoginAttempts {
  private readonly turns = new KeyedSemaphore(TURNS);

  constructor(@Inject(REDIS) private readonly redis: RedisClient) {
    defineLoginScripts(redis);
  }

  /** Runs `check` if an attempt may be made now. One that throws `invalid_credentials` is a failure. Throws `rate_limited`. */
  attempt<T>(email: string, check: () => Promise<T>): Promise<T> {
    return this.turns.run(email, () => this.charged(email, check));
  }

  /** Remembers the client's network as one that the account was logged in from. */
  async trust(email: string): Promise<void> {
    await this.redis.endLogin(...scopeOf(email), 'succeeded', 0);
  }

  private async charged<T>(email: string, check: () => Promise<T>): Promise<T> {
    const scope = scopeOf(email);
    const [wait_ms, counted] = await this.redis.beginLogin(...scope);
    assertNoWait(wait_ms);
    let outcome: Outcome = 'succeeded';
    try {
      return await check();
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      // What was found out stands, even if nobody can count it: an attempt that is not given back counts as a failure.
      await this.redis.endLogin(...scope, outcome, counted).catch(logUncounted);
    }
  }
}

const logUncounted = (error: unknown) => log.warn({ err: error }, 'an attempt to log in is not given back');

/** Returns the scripts' keys and the network. @param email Canonical; stored as its hash. */
function scopeOf(email: string): [string, string, string, string] {
  const account = sha256(email);
  const network = currentNetwork() ?? '';
  return [keys.loginFailures(account), keys.loginNetworks(account), keys.networkFailures(network), network];
}
