import { BullModule } from '@nestjs/bull';
import { Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  BLOCK_SECONDS,
  createRedis,
  keys,
  PROCESS_CONFIG,
  whenReady,
  type ProcessConfig,
  type RedisClient,
  type RedisRole,
} from '@taai/platform';
import type { QueueOptions } from 'bull';

export const MAILS = 'mail';

type BullRole = Parameters<NonNullable<QueueOptions['createClient']>>[0];

const roles: Record<BullRole, RedisRole> = { client: 'commands', subscriber: 'subscriber', bclient: 'blocking' };

function connect(url: string, role: BullRole): RedisClient {
  const client = createRedis(url, { role: roles[role], connectionName: `webhook-bull-${role}` });
  // bull demands it of the connections that it waits on.
  client.options.enableReadyCheck = false;
  return client;
}

/** Holds the connections of the bull queue. They are made by `createRedis`, so that Sentinel and Cluster work. */
export class BullRedis implements OnApplicationShutdown {
  private constructor(private readonly connections: Record<BullRole, RedisClient>) {}

  /** Resolves when all are ready: bull sends its first commands without asking. */
  static async open(url: string): Promise<BullRedis> {
    const redis = new BullRedis({
      client: connect(url, 'client'),
      subscriber: connect(url, 'subscriber'),
      bclient: connect(url, 'bclient'),
    });
    await Promise.all(redis.all().map((client) => whenReady(client)));
    return redis;
  }

  for(role: BullRole): RedisClient {
    return this.connections[role];
  }

  isReady(): boolean {
    return this.all().every(({ status }) => status === 'ready');
  }

  onApplicationShutdown(): void {
    for (const client of this.all()) client.disconnect();
  }

  private all(): RedisClient[] {
    return Object.values(this.connections);
  }
}

@Module({
  providers: [
    {
      provide: BullRedis,
      inject: [PROCESS_CONFIG],
      useFactory: ({ redisUrl }: ProcessConfig) => BullRedis.open(redisUrl),
    },
  ],
  exports: [BullRedis],
})
export class BullRedisModule {}

export const mailQueue = BullModule.registerQueueAsync({
  name: MAILS,
  imports: [BullRedisModule],
  inject: [BullRedis],
  useFactory: (redis: BullRedis) => ({
    prefix: keys.bull(),
    createClient: (role) => redis.for(role),
    // Nothing is kept of jobs: what they are about is in the database, and an id can be queued again.
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    settings: { drainDelay: BLOCK_SECONDS, retryProcessDelay: 1000 },
  }),
});
