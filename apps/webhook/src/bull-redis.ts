import { Module, type OnApplicationShutdown } from '@nestjs/common';
import {
  createRedis,
  PROCESS_CONFIG,
  whenReady,
  type ProcessConfig,
  type RedisClient,
  type RedisRole,
} from '@taai/platform';
import type { QueueOptions } from 'bull';

type BullRole = Parameters<NonNullable<QueueOptions['createClient']>>[0];

const roles: Record<BullRole, RedisRole> = { client: 'commands', subscriber: 'subscriber', bclient: 'blocking' };

/** The connections of a bull queue, made as all others of the house, so that Sentinel and Cluster work. */
export class BullRedis implements OnApplicationShutdown {
  private constructor(private readonly clients: Record<BullRole, RedisClient>) {}

  /** Resolves when all are ready: bull sends its first commands without asking. */
  static async open(url: string): Promise<BullRedis> {
    const connect = (role: BullRole) => {
      const client = createRedis(url, { role: roles[role], connectionName: `webhook-bull-${role}` });
      // bull demands it of the connections that it waits on.
      client.options.enableReadyCheck = false;
      return client;
    };
    const clients = { client: connect('client'), subscriber: connect('subscriber'), bclient: connect('bclient') };
    await Promise.all(Object.values(clients).map((client) => whenReady(client)));
    return new BullRedis(clients);
  }

  for(role: BullRole): RedisClient {
    return this.clients[role];
  }

  isReady(): boolean {
    return Object.values(this.clients).every(({ status }) => status === 'ready');
  }

  onApplicationShutdown(): void {
    for (const client of Object.values(this.clients)) client.disconnect();
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
