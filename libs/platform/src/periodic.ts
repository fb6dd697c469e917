import { AsyncLocalStorage } from 'node:async_hooks';
import { reportError } from './observability/report-error';

/**
 * Repeats background work: at once, then every `ms` milliseconds and whenever it is woken, never twice at a time. A failure is
 * reported and does not end the repetition. The work belongs to no request, whichever wakes it.
 */
export class Periodic {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private readonly outside = AsyncLocalStorage.snapshot();
  protected stopped = false;

  constructor(
    private readonly ms: number,
    private readonly work: () => Promise<unknown>,
  ) {}

  /** Does the work now, or once more if it is running. */
  wake(): void {
    if (this.stopped) return;
    this.again = true;
    this.running ??= this.outside(() => this.run());
  }

  /** Ends the repetition. Resolves when the running work has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    while (this.again && !this.stopped) {
      this.again = false;
      await this.work().catch((error: unknown) => reportError(error));
    }
    this.running = undefined;
    if (!this.stopped) this.timer = setTimeout(() => this.wake(), this.ms).unref();
  }
}

export interface Claims<T> {
  /** How many may be claimed at once now; 0 for none. */
  room: () => number;
  /** Leases up to `batch` rows to this process, the most urgent first. */
  claim: (batch: number) => Promise<T[]>;
  /** Works on what was claimed, or begins to: the next batch is claimed when it resolves. */
  work: (claimed: T[]) => Promise<unknown>;
}

/**
 * Background work on rows that are leased from the database: claims in batches while there is room, until one is not full; whenever it
 * is woken, and every `ms` milliseconds, because the leases of processes that died end. Stopped, it ends behind the batch at work.
 */
export class ClaimLoop<T> extends Periodic {
  constructor(
    ms: number,
    private readonly claims: Claims<T>,
  ) {
    super(ms, () => this.drain());
  }

  /** Claims what there is. */
  async drain(): Promise<void> {
    const { room, claim, work } = this.claims;
    for (;;) {
      const batch = this.stopped ? 0 : room();
      if (batch <= 0) return;
      const claimed = await claim(batch);
      if (claimed.length > 0) await work(claimed);
      if (claimed.length < batch) return;
    }
  }
}
