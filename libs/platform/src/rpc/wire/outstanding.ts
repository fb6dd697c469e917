import { setTimeout as sleep } from 'node:timers/promises';

/** Counts what is under way, and tells when nothing is. */
export class Outstanding {
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

  /** Resolves when nothing is under way, and after `ms` in any case. */
  async none(ms: number): Promise<void> {
    if (this.count === 0) return;
    const patience = new AbortController();
    const none = new Promise<void>((resolve) => this.waiting.push(resolve));
    await Promise.race([none, sleep(ms, undefined, patience).catch(() => undefined)]);
    patience.abort();
  }
}
