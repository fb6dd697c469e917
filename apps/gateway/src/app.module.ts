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
import { ArchiveController } from './archive.controller';
import { contractControllers } from './contract-controllers';
import { CredentialStrategy } from './credential.strategy';
import { DeniedAccess } from './denied-access';
import { MessageController } from './message.controller';
import { OpenAiController } from './openai/openai.controller';
import { OpenCalls } from './openai/open-calls';
import { Principals } from './principals';
import { RunController } from './run.controller';
import { RunEvents } from './run-events';
import { SseStreams } from './sse';

@Module({
  controllers: [...contractControllers(), RunController, MessageController, ArchiveController, OpenAiController],
  providers: [
    AccessTokens,
    Principals,
    AccessFeed,
    CredentialStrategy,
    DeniedAccess,
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
    OpenCalls,
  ],
})
export class AppModule {}
