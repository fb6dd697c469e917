import { ProblemError } from '@taai/contracts';

/** Lets `slots` pieces of work run at once and `waiting` more wait, in order; refuses the rest with `overloaded`. */
export class Semaphore {
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(
    private readonly slots: number,
    private readonly waiting: number,
  ) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.slots) {
      this.#running++;
      return;
    }
    if (this.#queue.length >= this.waiting) throw new ProblemError('overloaded', undefined, { retry_after: 1 });
    await new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  /** A slot that is left goes to the first who waits, without becoming free in between. */
  #leave(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#running--;
  }
}
