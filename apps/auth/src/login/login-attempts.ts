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

/** The scripts' keys, and the network or nothing. */
type Scope = [string, string, string, string, string];

/** How many attempts at one account run at once: as many as a replica hashes at once for all accounts. */
const TURNS = { slots: 2, waiting: 256, max_wait_ms: 12_000 };

/**
 * Slows down guessing of passwords. After 5 failures an account's next attempt waits for 1, 2, 4, … at most 60 s, after 20 the
 * same holds for attempts from a network; a quarter of an hour without failure forgets them. An attempt is charged to the
 * account when it begins and given back unless it fails, so that many at once are no way around.
 *
 * Strangers' failures keep nobody waiting who is known: where the account was logged in from within 30 days, its failures from there
 * count alone, and in a session those of the session. Else anybody could lock an owner out, or everybody behind one address.
 */
@Injectable()
export class LoginAttempts {
  private readonly turns = new KeyedSemaphore(TURNS);

  constructor(@Inject(REDIS) private readonly redis: RedisClient) {
    defineLoginScripts(redis);
  }

  /** Runs `check` if an attempt may be made now. One that throws `invalid_credentials` is a failure. Throws `rate_limited`. */
  attempt<T>(email: string, check: () => Promise<T>): Promise<T> {
    return this.charged(email, scopeOf(email, currentNetwork()), check);
  }

  /** The same in a session, of the password of whoever has logged in. */
  attemptIn<T>(session_id: string, check: () => Promise<T>): Promise<T> {
    return this.charged(session_id, scopeOf(session_id), check);
  }

  /** Remembers the client's network as one that the account was logged in from. */
  async trust(email: string): Promise<void> {
    await this.redis.endLogin(...scopeOf(email, currentNetwork()), 'succeeded', 0);
  }

  private charged<T>(whose: string, scope: Scope, check: () => Promise<T>): Promise<T> {
    return this.turns.run(whose, () => this.perform(scope, check));
  }

  private async perform<T>(scope: Scope, check: () => Promise<T>): Promise<T> {
    const [wait_ms, charged] = await this.redis.beginLogin(...scope);
    assertNoWait(wait_ms);
    let outcome: Outcome = 'succeeded';
    try {
      return await check();
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      // What was found out stands, even if nobody can count it: an attempt that is not given back counts as a failure.
      await this.redis.endLogin(...scope, outcome, charged).catch(logUncounted);
    }
  }
}

const logUncounted = (error: unknown) => log.warn({ err: error }, 'an attempt to log in is not given back');

/** @param whose A canonical e-mail address, or a session's id; stored as its hash. */
function scopeOf(whose: string, network = ''): Scope {
  const account = sha256(whose);
  const known = keys.loginFailures(sha256(`${whose} ${network}`));
  return [keys.loginFailures(account), keys.loginNetworks(account), keys.networkFailures(network), known, network];
}
