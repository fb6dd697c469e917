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
import { AccessGuard } from './access/access.guard';
import { AccessFeed } from './access/access-feed';
import { AccessTokens } from './access/access-tokens';
import { ArchiveController } from './stream/archive.controller';
import { contractControllers } from './route/contract-controllers';
import { CredentialStrategy } from './access/credential.strategy';
import { DeniedAccess } from './access/denied-access';
import { DialectAnswers } from './dialect/dialect-answers';
import { dialectController } from './dialect/dialect.controller';
import { MessageController } from './stream/message.controller';
import { OpenCalls } from './openai/open-calls';
import { Principals } from './access/principals';
import { RunController } from './stream/run.controller';
import { RunEvents } from './stream/run-events';
import { SseStreams } from './stream/sse';

@Module({
  controllers: [...contractControllers(), RunController, MessageController, ArchiveController, dialectController()],
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
    DialectAnswers,
  ],
})
export class AppModule {}
