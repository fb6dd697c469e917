import { createHmac, randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/bcrypt';
import { Semaphore } from './semaphore';

// Every hash occupies a thread of libuv's pool of four, which also signs tokens and resolves names: one stays free.
const AT_ONCE = 3;
// At cost 12 some 250 ms each: whoever waits behind more than these would be answered after its deadline.
const WAITING = 24;

/**
 * What bcrypt is given in place of the password: 64 ASCII characters. bcrypt ignores what follows a NUL or the 72nd byte,
 * this does not. The key keeps the digest from matching one in a list that leaked elsewhere.
 */
const digest = (password: string) =>
  createHmac('sha384', 'task-assistant/password/1').update(password.normalize('NFKC')).digest('base64');

/** Hashes and checks passwords with bcrypt, few at once. Throws `overloaded` when too many wait. */
export class Passwords {
  readonly #threads = new Semaphore(AT_ONCE, WAITING);
  readonly #nobodys: Promise<string>;

  /** @param cost The logarithm of bcrypt's rounds, 4 to 31. */
  constructor(private readonly cost: number) {
    this.#nobodys = this.hash(randomUUID());
  }

  hash(password: string): Promise<string> {
    return this.#threads.run(() => hash(digest(password), this.cost));
  }

  /** Costs the same without a stored hash, so that the time of an answer does not tell whether there is an account. */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const expected = stored ?? (await this.#nobodys);
    const equal = await this.#threads.run(() => verify(digest(password), expected));
    return equal && stored !== undefined;
  }
}
