import type { RunEvent } from '@taai/contracts';
import type { ChannelListener } from './channels';
import { fromMessage } from './run-event';

/**
 * The live events of a run for one reader, in a bounded buffer. It is `stale` when it may have missed some: then it keeps none until the
 * reader has turned to the log, which has them all.
 */
export class LiveFeed implements ChannelListener {
  private events: RunEvent[] = [];
  private isStale = true;
  private ended = false;
  private wake: (() => void) | undefined;

  constructor(private readonly capacity: number) {}

  get stale(): boolean {
    return this.isStale;
  }

  onMessage(message: string): void {
    if (this.isStale) return;
    const events = fromMessage(message);
    if (!events || this.events.length + events.length > this.capacity) this.spoil();
    else this.events.push(...events);
    this.wake?.();
  }

  onSubscribed(): void {
    this.spoil();
    this.wake?.();
  }

  spoil(): void {
    this.isStale = true;
    this.events = [];
  }

  /** Keeps events from now on. Call it before reading the log, so that none falls between. */
  refresh(): void {
    this.isStale = false;
  }

  take(): RunEvent[] {
    return this.events.splice(0);
  }

  /** Waits for events or a reason to read the log; false when `ms` passed without. */
  async wait(ms: number): Promise<boolean> {
    return this.isStale || this.events.length > 0 || this.sleep(ms);
  }

  /** Ends every wait, now and later. */
  end(): void {
    this.ended = true;
    this.wake?.();
  }

  /** Waits for `ms`, a new subscription or the end, and, unless stale, for events. True when it was not the time that ended it. */
  sleep(ms: number): Promise<boolean> {
    if (this.ended) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (woken: boolean) => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve(woken);
      };
      const timer = setTimeout(() => done(false), ms);
      this.wake = () => done(true);
    });
  }
}
