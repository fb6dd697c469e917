import { createHmac, randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/bcrypt';
import { currentPayer } from '../login/network';
import { KeyedSemaphore, Semaphore } from '../login/semaphore';

// Every hash occupies a thread of libuv's pool of four, which also signs tokens and resolves names: one stays free.
const AT_ONCE = Math.min(3, availableParallelism());
const WAITING = 256;
// Callers wait for 15 s: whoever has waited longer would be answered too late.
const MAX_WAIT_MS = 12_000;

/**
 * Returns what bcrypt is given in place of the password: 64 ASCII characters. bcrypt ignores what follows a NUL or the 72nd byte,
 * this does not. The key keeps the digest from matching one in a list that leaked elsewhere.
 */
const digest = (password: string) =>
  createHmac('sha384', 'task-assistant/password/1').update(password.normalize('NFKC')).digest('base64');

/** Returns the cost of a hash: `$2y$12$…` was made at 12. */
const costOf = (stored: string) => Number(stored.split('$')[2]);

/**
 * Hashes and checks passwords with bcrypt, few at once. Throws `overloaded` when too many wait, or one too long. Tenants, and the
 * networks of strangers, take turns: none has more before the threads than fits in, however much of it waits behind.
 */
export class Passwords {
  private readonly ofPayer = new KeyedSemaphore({ slots: AT_ONCE, waiting: WAITING, max_wait_ms: MAX_WAIT_MS });
  private readonly threads = new Semaphore({ slots: AT_ONCE, waiting: WAITING, max_wait_ms: MAX_WAIT_MS });
  private readonly dummyHash: Promise<string>;

  /** @param cost The logarithm of bcrypt's rounds, 4 to 31. */
  constructor(private readonly cost: number) {
    this.dummyHash = this.hash(randomUUID());
  }

  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(digest(password), this.cost));
  }

  /** Resolves to whether the password is right. Takes as long without a stored hash, so that time does not tell whether there is an account. */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const expected = stored ?? (await this.dummyHash);
    const equal = await this.inTurn(async () => {
      const equal = await verify(digest(password), expected);
      if (!equal) await this.makeUpFor(costOf(expected));
      return equal;
    });
    return equal && stored !== undefined;
  }

  /** Tells whether the hash was made at another cost than the configured one. */
  isOutdated(stored: string): boolean {
    return costOf(stored) !== this.cost;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.ofPayer.run(currentPayer() ?? '', () => this.threads.run(work));
  }

  /** Spends the time that a cheaper hash saves, which would tell an old account: 2ⁿ + 2ⁿ + 2ⁿ⁺¹ + … = 2ᵐ. */
  private async makeUpFor(cheaper: number): Promise<void> {
    for (let cost = cheaper; cost < this.cost; cost++) await hash('', cost);
  }
}
