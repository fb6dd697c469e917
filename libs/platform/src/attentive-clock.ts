export interface AttentiveClockOptions {
  /** Milliseconds that one turn counts at most: more than the interval at which `tick` is called. */
  turn_ms: number;
  /** Whether others could be heard now; always, if absent. */
  isListening?: () => boolean;
}

/**
 * Measures for how long others have been silent, in milliseconds in which this process could hear them. While it stands still itself
 * the clock stands, too, and a silence begins anew when a lost connection is back: whoever is slow is patient in the same measure.
 */
export class AttentiveClock {
  private attended = 0;
  private listeningSince = 0;
  private tickedAt = performance.now();

  constructor(private readonly options: AttentiveClockOptions) {}

  /** An instant that `silence` can be asked of. */
  get now(): number {
    return this.attended;
  }

  /** Lets time pass. What is late about a turn this process was late itself. */
  tick(): void {
    const { turn_ms, isListening } = this.options;
    const now = performance.now();
    this.attended += Math.min(now - this.tickedAt, turn_ms);
    this.tickedAt = now;
    if (isListening && !isListening()) this.listeningSince = this.attended;
  }

  /** Milliseconds of attention since then. */
  silence(heardAt: number): number {
    return this.attended - Math.max(heardAt, this.listeningSince);
  }
}
