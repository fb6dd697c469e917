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
