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
import { ExportController } from './stream/export.controller';
import { ChatEvents } from './socket/chat-events';
import { ChatGateway } from './socket/chat.gateway';
import { EventDispatcher } from './socket/event-dispatcher';
import { Handshake } from './socket/handshake';
import { Presence } from './socket/presence';
import { RouteCalls } from './socket/route-calls';
import { Concurrency } from './admission/concurrency';
import { InFlightGuard } from './admission/in-flight.guard';
import { ConversationController } from './stream/conversation.controller';
import { ConversationEvents } from './stream/conversation-events';
import { ConversationFollower } from './stream/conversation-follower';
import { ConversationTails } from './stream/conversation-tails';
import { contractControllers } from './route/route';
import { DeniedAccess } from './access/denied-access';
import { AttachmentIntake } from './file/attachment-intake';
import { FileController } from './file/file.controller';
import { FileReceiver } from './file/file-receiver';
import { InlineFiles } from './file/inline-files';
import { dialectController } from './dialect/dialect.controller';
import { MessageController } from './stream/message.controller';
import { OpenStreams } from './stream/open-streams';
import { Principals } from './access/principals';
import { RunController } from './stream/run.controller';
import { RunEvents } from './stream/run-events';
import { RunReplays } from './stream/run-replays';
import { SharedController } from './stream/shared/shared.controller';
import { SharedStreams } from './stream/shared/shared-streams';

@Module({
  controllers: [
    ...contractControllers(),
    RunController,
    MessageController,
    ConversationController,
    SharedController,
    ArchiveController,
    ExportController,
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
    RunReplays,
    ConversationTails,
    ConversationFollower,
    ConversationEvents,
    SharedStreams,
    OpenStreams,
    Handshake,
    Presence,
    RouteCalls,
    ChatEvents,
    EventDispatcher,
    ChatGateway,
    FileReceiver,
    InlineFiles,
    AttachmentIntake,
    fileStoreProvider,
  ],
})
export class AppModule {}
