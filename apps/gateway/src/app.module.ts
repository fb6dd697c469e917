import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import {
  Channels,
  createRedis,
  PROCESS_CONFIG,
  REDIS,
  RunLogReader,
  type ProcessConfig,
  type RedisClient,
} from '@taai/platform';
import { AccessGuard } from './access.guard';
import { AccessFeed } from './access-feed';
import { AccessTokens } from './access-tokens';
import { contractControllers } from './contract-controllers';
import { CredentialStrategy } from './credential.strategy';
import { MessageController } from './message.controller';
import { Principals } from './principals';
import { RunController } from './run.controller';
import { RunEvents } from './run-events';
import { SseStreams } from './sse';

@Module({
  controllers: [...contractControllers(), RunController, MessageController],
  providers: [
    AccessTokens,
    Principals,
    AccessFeed,
    CredentialStrategy,
    { provide: APP_GUARD, useClass: AccessGuard },
    {
      provide: Channels,
      inject: [PROCESS_CONFIG],
      useFactory: ({ redisUrl }: ProcessConfig) =>
        new Channels(createRedis(redisUrl, { role: 'subscriber', connectionName: 'gateway:events' })),
    },
    {
      provide: RunLogReader,
      inject: [REDIS, Channels],
      useFactory: (redis: RedisClient, channels: Channels) => new RunLogReader(redis, channels),
    },
    RunEvents,
    SseStreams,
  ],
})
export class AppModule {}
