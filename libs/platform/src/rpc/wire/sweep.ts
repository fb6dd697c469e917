/** A sweep that comes so much too late proves that this process stood still, and says nothing about other ones. */
const STALL_MS = 500;

/** Looks regularly at what is under way, as long as anything is. */
export class Sweep {
  private timer: NodeJS.Timeout | undefined;
  private swept = 0;
  private stalledUntil = 0;

  constructor(
    private readonly ms: number,
    /** Told since when this process has been running without standing still (`performance.now()`); false to pause. */
    private readonly look: (now: number, runningSince: number) => boolean,
  ) {}

  /** Something is under way. */
  start(): void {
    if (this.timer) return;
    this.swept = performance.now();
    this.timer = setInterval(() => this.sweep(), this.ms);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private sweep(): void {
    const now = performance.now();
    if (now - this.swept > STALL_MS) this.stalledUntil = now;
    this.swept = now;
    if (!this.look(now, this.stalledUntil)) this.stop();
  }
}
