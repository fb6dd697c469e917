import { ProblemError } from '@taai/contracts';
import type { ChatSocket } from './chat-socket';

/** What may wait in memory for one client that does not read as fast as events come. */
const MAX_BYTES = 256 * 1024;
/** For how long, in milliseconds. */
const PATIENCE_MS = 10_000;

/** What waits to be sent on a socket's connection. */
export class Outgoing {
  private bytes = 0;
  private wake: () => void = () => undefined;
  private flowing: Promise<void> | undefined;

  constructor({ conn }: Pick<ChatSocket, 'conn'>) {
    // Both are events of engine.io's socket: the transport takes everything at once, when it has sent what it took before.
    conn.on('packetCreate', ({ data }) => (this.bytes += typeof data === 'string' ? data.length : 0));
    conn.on('drain', () => {
      this.bytes = 0;
      this.wake();
    });
    conn.on('close', () => this.wake());
  }

  /** Resolves when there is room for more. Throws `slow_reader` when the client has not read for 10 s. */
  async room(): Promise<void> {
    if (this.bytes < MAX_BYTES) return;
    await (this.flowing ??= this.drained().finally(() => (this.flowing = undefined)));
  }

  private async drained(): Promise<void> {
    let isLate = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        isLate = true;
        resolve();
      }, PATIENCE_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (isLate) throw new ProblemError('slow_reader');
  }
}
