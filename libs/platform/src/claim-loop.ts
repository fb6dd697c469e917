import { Periodic } from './periodic';

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
