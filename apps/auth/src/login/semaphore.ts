import { ProblemError } from '@taai/contracts';
import { timeLeft } from '@taai/tenant';

export interface SemaphoreOptions {
  /** How many pieces of work run at once. */
  slots: number;
  /** How many more may wait. */
  waiting: number;
  /** Milliseconds that each of them waits at most, and never beyond the deadline of its request. */
  max_wait_ms: number;
}

const RETRY_SECONDS = 5;
const overloaded = () => new ProblemError('overloaded', undefined, { retry_after: RETRY_SECONDS });

/** Bounds how many pieces of work run at once. Others wait in order; those beyond the queue, or that waited too long, fail with `overloaded`. */
export class Semaphore {
  private readonly queue: (() => void)[] = [];
  private running = 0;

  constructor(private readonly options: SemaphoreOptions) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running < this.options.slots) {
      this.running++;
      return;
    }
    if (this.queue.length >= this.options.waiting) throw overloaded();
    await this.turn();
  }

  private turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(
        () => {
          this.queue.splice(this.queue.indexOf(enter), 1);
          reject(overloaded());
        },
        Math.min(this.options.max_wait_ms, timeLeft()),
      );
      this.queue.push(enter);
    });
  }

  /** Hands the slot to the first that waits, without freeing it in between. */
  private leave(): void {
    const next = this.queue.shift();
    if (next) next();
    else this.running--;
  }
}

/** Keeps one semaphore for each key, while it is in use. */
export class KeyedSemaphore {
  private readonly entries = new Map<string, { semaphore: Semaphore; users: number }>();

  /** @param options The options of each semaphore. */
  constructor(private readonly options: SemaphoreOptions) {}

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const entry = this.entries.get(key) ?? { semaphore: new Semaphore(this.options), users: 0 };
    this.entries.set(key, entry);
    entry.users++;
    try {
      return await entry.semaphore.run(work);
    } finally {
      if (--entry.users === 0) this.entries.delete(key);
    }
  }
}
