/** A check that comes so much too late proves that this process stood still, and says nothing about other ones. */
const STALL_MS = 500;

/** Runs a check at an interval, while there is something to check. */
export class PeriodicCheck {
  private timer: NodeJS.Timeout | undefined;
  private checkedAt = 0;
  private stalledUntil = 0;

  constructor(
    private readonly ms: number,
    /** Is given since when this process has run without standing still (`performance.now()`). Returns false when nothing is left to check. */
    private readonly look: (now: number, runningSince: number) => boolean,
  ) {}

  /** Begins to check, if it does not yet. */
  start(): void {
    if (this.timer) return;
    this.checkedAt = performance.now();
    this.timer = setInterval(() => this.check(), this.ms);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private check(): void {
    const now = performance.now();
    if (now - this.checkedAt > STALL_MS) this.stalledUntil = now;
    this.checkedAt = now;
    if (!this.look(now, this.stalledUntil)) this.stop();
  }
}
