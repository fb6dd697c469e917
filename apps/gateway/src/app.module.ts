import { Module } from '@nestjs/common';
import { runLogProviders } from '@taai/platform';
import { AccessGuard, CredentialStrategy } from './access/access.guard';
import { AccessFeed } from './access/access-feed';
import { AccessTokens } from './access/credentials';
import { ArchiveController } from './stream/archive.controller';
import { contractControllers } from './route/route';
import { DeniedAccess } from './access/denied-access';
import { dialectController } from './dialect/dialect.controller';
import { MessageController } from './stream/message.controller';
import { OpenStreams } from './stream/open-streams';
import { Principals } from './access/principals';
import { RunController } from './stream/run.controller';
import { RunEvents } from './stream/run-events';

@Module({
  controllers: [...contractControllers(), RunController, MessageController, ArchiveController, dialectController()],
  providers: [
    AccessTokens,
    Principals,
    AccessFeed,
    CredentialStrategy,
    DeniedAccess,
    AccessGuard,
    ...runLogProviders,
    RunEvents,
    OpenStreams,
  ],
})
export class AppModule {}
