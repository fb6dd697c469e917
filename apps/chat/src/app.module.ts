import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { fileStoreProvider } from '@taai/files';
import { list, outboxWaker, readDatabaseConfig, readVariables, runLogProviders } from '@taai/platform';
import { CHAT_CONFIG, readChatConfig } from './config';
import { ContextCache } from './context/context-cache';
import { ContextRepository } from './context/context.repository';
import { ContextService } from './context/context.service';
import { BinRepository } from './conversation/bin.repository';
import { BinService } from './conversation/bin.service';
import { BinSweep } from './conversation/bin.sweep';
import { ConversationAccess } from './conversation/conversation-access';
import { ConversationHandler } from './conversation/conversation.handler';
import { ConversationRepository } from './conversation/conversation.repository';
import { ConversationService } from './conversation/conversation.service';
import { FeedbackHandler } from './feedback/feedback.handler';
import { FeedbackRepository } from './feedback/feedback.repository';
import { FeedbackService } from './feedback/feedback.service';
import { MessageAccess } from './message/message-access';
import { MessageTreeRepository } from './message/message-tree.repository';
import { FileAccess } from './file/file-access';
import { FileLinks } from './file/file-links';
import { FileHandler } from './file/file.handler';
import { FileRepository } from './file/file.repository';
import { FileService } from './file/file.service';
import { FileSweep } from './file/file.sweep';
import { EventHandler } from './event/event.handler';
import { EventRepository } from './event/event.repository';
import { EventService } from './event/event.service';
import { MessageHandler } from './message/message.handler';
import { MessageRepository } from './message/message.repository';
import { MessageWake } from './message/message-wake';
import { MessageService } from './message/message.service';
import { orchestratorClients } from './orchestrator';
import { ParticipantHandler } from './participant/participant.handler';
import { ParticipantRepository } from './participant/participant.repository';
import { ParticipantService } from './participant/participant.service';
import { ReplyFollower } from './message/reply-follower';
import { ReplyService } from './message/reply.service';
import { SearchRepository } from './conversation/search.repository';
import { ShareHandler } from './share/share.handler';
import { ShareRepository } from './share/share.repository';
import { ShareService } from './share/share.service';
import { TitleRepository } from './title/title.repository';
import { TitleService } from './title/title.service';
import { SummaryRepository } from './summary/summary.repository';
import { SummaryService } from './summary/summary.service';
import { TenantDataHandler } from './tenant-data.handler';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker)],
  controllers: [
    ConversationHandler,
    ParticipantHandler,
    MessageHandler,
    FeedbackHandler,
    ShareHandler,
    EventHandler,
    FileHandler,
    TenantDataHandler,
  ],
  providers: [
    ConversationRepository,
    ConversationAccess,
    ConversationService,
    BinRepository,
    BinService,
    BinSweep,
    ParticipantRepository,
    ParticipantService,
    MessageRepository,
    MessageTreeRepository,
    SearchRepository,
    MessageAccess,
    FeedbackRepository,
    FeedbackService,
    ShareRepository,
    ShareService,
    { provide: CHAT_CONFIG, useFactory: readChatConfig },
    MessageService,
    MessageWake,
    ContextRepository,
    ContextCache,
    ContextService,
    SummaryRepository,
    SummaryService,
    EventRepository,
    EventService,
    FileRepository,
    FileAccess,
    FileService,
    FileSweep,
    { provide: FileLinks, useFactory: () => new FileLinks(readVariables({ RPC_KEYS: list() }).RPC_KEYS) },
    fileStoreProvider,
    TitleRepository,
    TitleService,
    ReplyService,
    ReplyFollower,
    ...runLogProviders,
    ...orchestratorClients,
  ],
})
export class AppModule {}
