import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { reportError } from '@taai/platform';
import { withoutDeadline } from '@taai/tenant';

const MOST = 200;

/** Runs work after the answer, so that its time tells the client nothing. A failure is reported. */
@Injectable()
export class Background implements BeforeApplicationShutdown {
  private readonly pending = new Set<Promise<void>>();

  /** Starts the work when the answer is sent. Throws `overloaded` while too much is in flight. */
  start(work: () => Promise<void>): void {
    if (this.pending.size >= MOST) throw new ProblemError('overloaded', undefined, { retry_after: 1 });
    const running = nextTurn()
      .then(() => withoutDeadline(work))
      .catch((error: unknown) => reportError(error))
      .finally(() => this.pending.delete(running));
    this.pending.add(running);
  }

  /** Resolves when all that was started has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.pending);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.settled();
  }
}
