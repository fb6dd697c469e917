import { limits } from '@taai/contracts';

const PER_MS = limits.socketEventsPerSecond / 1000;
const BURST = 2 * limits.socketEventsPerSecond;
/** Refused events in a row after which nobody listens any longer. */
const PATIENCE = 100;

/** How many events one socket may send: so many a second on average, twice as many at once. */
export class FloodLimit {
  private left = BURST;
  private at = performance.now();
  private refused = 0;

  /** Whether one more may come. */
  take(): boolean {
    const now = performance.now();
    this.left = Math.min(BURST, this.left + (now - this.at) * PER_MS);
    this.at = now;
    const isAdmitted = this.left >= 1;
    if (isAdmitted) this.left -= 1;
    this.refused = isAdmitted ? 0 : this.refused + 1;
    return isAdmitted;
  }

  /** Whether the client pays no heed to its refusals. */
  get isHopeless(): boolean {
    return this.refused > PATIENCE;
  }
}
