import type { FactoryProvider } from '@nestjs/common';
import { PROCESS_CONFIG, REDIS } from '../bootstrap';
import type { ProcessConfig } from '../config/config';
import { createRedis, type RedisClient } from '../redis/redis';
import { Channels } from './channels';
import { RunLogReader } from './run-log-reader';

/** What a service needs to read runs' logs: the `RunLogReader`, and the process's `Channels` on a connection of their own. */
export const runLogProviders: FactoryProvider[] = [
  {
    provide: Channels,
    inject: [PROCESS_CONFIG],
    useFactory: ({ service, redisUrl }: ProcessConfig) =>
      new Channels(createRedis(redisUrl, { role: 'subscriber', connectionName: `${service}:events` })),
  },
  {
    provide: RunLogReader,
    inject: [REDIS, Channels],
    useFactory: (redis: RedisClient, channels: Channels) => new RunLogReader(redis, channels),
  },
];
