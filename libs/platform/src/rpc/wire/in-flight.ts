import { setTimeout as sleep } from 'node:timers/promises';

/** Counts what is in flight, and tells when nothing is. */
export class InFlight {
  private count = 0;
  private waiting: (() => void)[] = [];

  get size(): number {
    return this.count;
  }

  begin(): void {
    this.count++;
  }

  end(count = 1): void {
    this.count -= count;
    if (this.count > 0) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Resolves when nothing is in flight, but after `ms` at the latest. */
  async drained(ms: number): Promise<void> {
    if (this.count === 0) return;
    const patience = new AbortController();
    const none = new Promise<void>((resolve) => this.waiting.push(resolve));
    await Promise.race([none, sleep(ms, undefined, patience).catch(() => undefined)]);
    patience.abort();
  }
}
