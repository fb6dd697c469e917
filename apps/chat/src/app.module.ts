import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { outboxWaker, readDatabaseConfig, runLogProviders } from '@taai/platform';
import { ConversationAccess } from './conversation-access';
import { ConversationHandler } from './conversation.handler';
import { ConversationRepository } from './conversation.repository';
import { ConversationService } from './conversation.service';
import { EventHandler } from './event/event.handler';
import { EventRepository } from './event/event.repository';
import { EventService } from './event/event.service';
import { MessageHandler } from './message.handler';
import { MessageRepository } from './message.repository';
import { MessageWake } from './message-wake';
import { MessageService } from './message.service';
import { orchestratorClients } from './orchestrator';
import { ParticipantHandler } from './participant.handler';
import { ParticipantRepository } from './participant.repository';
import { ParticipantService } from './participant.service';
import { ReplyFollower } from './reply-follower';
import { ReplyService } from './reply.service';
import { TenantDataHandler } from './tenant-data.handler';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker)],
  controllers: [ConversationHandler, ParticipantHandler, MessageHandler, EventHandler, TenantDataHandler],
  providers: [
    ConversationRepository,
    ConversationAccess,
    ConversationService,
    ParticipantRepository,
    ParticipantService,
    MessageRepository,
    MessageService,
    MessageWake,
    EventRepository,
    EventService,
    ReplyService,
    ReplyFollower,
    ...runLogProviders,
    ...orchestratorClients,
  ],
})
export class AppModule {}
