import { Module } from '@nestjs/common';
import { fileStoreProvider } from '@taai/files';
import { REDIS, runLogProviders, TokenSpending, type RedisClient } from '@taai/platform';
import { AccessGuard, CredentialStrategy } from './access/access.guard';
import { LimitUseController } from './admission/limit-use.controller';
import { RateLimitGuard } from './admission/rate-limit.guard';
import { RateLimiter } from './admission/rate-limiter';
import { AccessFeed } from './access/access-feed';
import { AccessTokens } from './access/credentials';
import { ArchiveController } from './stream/archive.controller';
import { Concurrency } from './admission/concurrency';
import { InFlightGuard } from './admission/in-flight.guard';
import { contractControllers } from './route/route';
import { DeniedAccess } from './access/denied-access';
import { FileController } from './file/file.controller';
import { dialectController } from './dialect/dialect.controller';
import { MessageController } from './stream/message.controller';
import { OpenStreams } from './stream/open-streams';
import { Principals } from './access/principals';
import { RunController } from './stream/run.controller';
import { RunEvents } from './stream/run-events';

@Module({
  controllers: [
    ...contractControllers(),
    RunController,
    MessageController,
    ArchiveController,
    FileController,
    LimitUseController,
    dialectController(),
  ],
  providers: [
    AccessTokens,
    Principals,
    AccessFeed,
    CredentialStrategy,
    DeniedAccess,
    AccessGuard,
    RateLimitGuard,
    RateLimiter,
    { provide: TokenSpending, inject: [REDIS], useFactory: (redis: RedisClient) => new TokenSpending(redis) },
    Concurrency,
    InFlightGuard,
    ...runLogProviders,
    RunEvents,
    OpenStreams,
    fileStoreProvider,
  ],
})
export class AppModule {}
