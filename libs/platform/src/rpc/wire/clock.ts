import type { RedisClient } from '../../redis/redis';
import type { Watchdog } from './watchdog';

const SYNC_MS = 10_000;
const SAMPLES = 3;

/**
 * Redis' clock, the one that all processes of the fleet agree on: this process's monotonic clock plus an offset that is
 * measured with TIME after each connection and every 10 s.
 */
export class RedisClock {
  synced = false;
  private offset = 0;
  private readonly listeners: (() => void)[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly redis: RedisClient,
    private readonly watchdog: Watchdog,
  ) {
    // A failed measurement leaves the last offset in force.
    const resync = () => void this.sync().catch(() => undefined);
    redis.on('ready', resync);
    this.timer = setInterval(resync, SYNC_MS).unref();
  }

  /** Called after each measurement. */
  onSync(listener: () => void): void {
    this.listeners.push(listener);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.at(performance.now());
  }

  /** An instant of `performance.now()` in Redis' time. */
  at(local: number): number {
    return local + this.offset;
  }

  /** Measures the offset: the answer that was under way for the shortest time tells it best. */
  async sync(): Promise<void> {
    let best = Infinity;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const sent = performance.now();
      const [seconds = 0, micros = 0] = await this.watchdog.watch(this.redis.time());
      const received = performance.now();
      if (received - sent >= best) continue;
      best = received - sent;
      this.offset = seconds * 1000 + micros / 1000 - (sent + received) / 2;
    }
    this.synced = true;
    for (const listener of this.listeners) listener();
  }
}
