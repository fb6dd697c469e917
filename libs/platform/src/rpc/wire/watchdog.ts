import type { RedisClient } from '../../redis/redis';

const CHECK_MS = 500;
const SILENCE_MS = 3000;

/**
 * Renews a connection that owes an answer and has been silent for 3 s. One timer for all commands, where ioredis sets and
 * clears one for each.
 */
export class Watchdog {
  private owed = 0;
  private lastHeard = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly redis: RedisClient) {
    this.timer = setInterval(() => this.check(), CHECK_MS).unref();
  }

  async watch<T>(answer: Promise<T>): Promise<T> {
    if (this.owed++ === 0) this.lastHeard = performance.now();
    try {
      return await answer;
    } finally {
      this.owed--;
      this.lastHeard = performance.now();
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private check(): void {
    if (this.owed > 0 && performance.now() - this.lastHeard > SILENCE_MS) this.redis.disconnect(true);
  }
}
