import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { createRedis, PROCESS_CONFIG, type ProcessConfig, type RedisClient } from '@taai/platform';

/** Hears through Redis that there is work in the database. A signal may get lost: who waits for one also looks by itself. */
@Injectable()
export class WakeSignals implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly wakers = new Map<string, () => void>();
  private redis: RedisClient | undefined;

  constructor(@Inject(PROCESS_CONFIG) private readonly config: Pick<ProcessConfig, 'redisUrl'>) {}

  /** Has `wake` called at each message of a channel. Call it before the application starts. */
  on(channel: string, wake: () => void): void {
    this.wakers.set(channel, wake);
  }

  onApplicationBootstrap(): void {
    const redis = createRedis(this.config.redisUrl, { role: 'subscriber', connectionName: 'webhook-wake' });
    redis.on('message', (channel: string) => this.wakers.get(channel)?.());
    // Should it fail, the next connection subscribes.
    redis.on('ready', () => void redis.subscribe(...this.wakers.keys()).catch(() => undefined));
    this.redis = redis;
  }

  beforeApplicationShutdown(): void {
    this.redis?.disconnect();
  }
}
