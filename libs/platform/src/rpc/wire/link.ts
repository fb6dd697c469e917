import { createRedis, whenReady, type RedisClient } from '../../redis/redis';
import { RedisClock } from './clock';
import { defineScripts } from './scripts';
import { Watchdog } from './watchdog';

/** Holds a process's connection for RPC commands, with Redis' clock. Nothing is sent twice: commands that a lost connection interrupts are rejected. */
export class Link {
  readonly clock: RedisClock;
  private readonly redis: RedisClient;
  private readonly watchdog: Watchdog;

  constructor(url: string, connectionName: string) {
    this.redis = createRedis(url, { role: 'commands', connectionName, watched: true });
    defineScripts(this.redis);
    this.watchdog = new Watchdog(this.redis);
    this.clock = new RedisClock(this.redis, this.watchdog);
  }

  /** Whether a request can be sent now: the connection is there, and the clock is measured. */
  get ready(): boolean {
    return this.redis.status === 'ready' && this.clock.synced;
  }

  onReady(listener: () => void): void {
    this.clock.onSync(listener);
  }

  /** Resolves when the link is ready; throws when Redis does not answer. */
  async connect(): Promise<void> {
    await whenReady(this.redis);
    await this.clock.sync();
  }

  /** Sends a command; it is rejected when Redis is silent for 3 s. */
  command<T>(send: (redis: RedisClient) => Promise<T>): Promise<T> {
    return this.watchdog.watch(send(this.redis));
  }

  /** Appends to a list the first elements that fit under its bound, and resolves to their number. */
  push(list: string, bound: number, ttl_ms: number, elements: string[]): Promise<number> {
    return this.command((redis) => redis.pushBounded(list, bound, ttl_ms, ...elements));
  }

  close(): void {
    this.clock.stop();
    this.watchdog.stop();
    this.redis.disconnect();
  }
}
