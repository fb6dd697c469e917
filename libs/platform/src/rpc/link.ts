import { createRedis, whenReady, type RedisClient } from '../redis';
import { RedisClock } from './clock';
import { defineScripts } from './scripts';
import { Watchdog } from './watchdog';

/** A process's connection for RPC commands, with Redis' clock. */
export class Link {
  readonly redis: RedisClient;
  readonly clock: RedisClock;
  private readonly watchdog: Watchdog;

  constructor(url: string, connectionName: string) {
    this.redis = createRedis(url, { role: 'commands', connectionName, watched: true });
    defineScripts(this.redis);
    this.clock = new RedisClock(this.redis);
    this.watchdog = new Watchdog(this.redis);
  }

  /** Whether something can be sent now, its deadline told in Redis' time. */
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

  /** Appends to a list the first elements that fit under its bound, and answers how many that are. */
  push(list: string, bound: number, ttl_ms: number, elements: string[]): Promise<number> {
    return this.watchdog.watch(this.redis.pushBounded(list, bound, ttl_ms, ...elements));
  }

  close(): void {
    this.watchdog.stop();
    this.clock.stop();
    this.redis.disconnect();
  }
}
