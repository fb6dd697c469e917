import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  type Attachment,
  type Message,
  type MessageSent,
  type PageById,
  type PageOf,
  type SendMessage,
} from '@taai/contracts';
import { emit, fitting, idAfter, toFittingPage, withTenant, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { ConversationAccess } from './conversation-access';
import { ConversationRepository } from './conversation.repository';
import { FileRepository } from './file/file.repository';
import { FileService } from './file/file.service';
import { MessageRepository } from './message.repository';
import { RUNS, type Runs } from './orchestrator';
import { ReplyFollower } from './reply-follower';
import { ReplyService } from './reply.service';

/** Messages that an agent is shown, the new one included. */
const CONTEXT_WINDOW = 20;

@Injectable()
export class MessageService {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
    private readonly access: ConversationAccess,
    private readonly messages: MessageRepository,
    private readonly replies: ReplyService,
    private readonly follower: ReplyFollower,
    private readonly files: FileRepository,
    private readonly fileService: FileService,
    @Inject(RUNS) private readonly runs: Runs,
  ) {}

  /**
   * Writes the message and starts the run that answers it. When the run cannot be started, the message stays, as the part of
   * the conversation that it is; the same request with the same Idempotency-Key takes it up with the same run.
   */
  async send(input: SendMessage): Promise<MessageSent> {
    const { agent_id } = await this.access.open(input.id, 'writer');
    const attachments = await this.fileService.describe((input.attachments ?? []).map(({ file_id }) => file_id));
    await this.replies.catchUp(input.id, CONTEXT_WINDOW);
    const sent = await withTenant(this.db, (tx) => this.write(tx, input, attachments));
    const messages = await this.context(sent.message);
    const run = { conversation_id: input.id, run_id: sent.run_id };
    await this.runs.startFor({ ...run, agent_id, messages });
    this.follower.follow(run);
    return sent;
  }

  async list({ id, limit, cursor }: PageById): Promise<PageOf<Message>> {
    const after = idAfter(cursor);
    await this.access.open(id, 'reader');
    const rows = await this.messages.page(id, after, limit + 1);
    return toFittingPage(rows, limit);
  }

  private async write(
    tx: Tx,
    { id: conversation_id, content }: SendMessage,
    attachments: Attachment[],
  ): Promise<MessageSent> {
    found('conversation', await this.conversations.lockForMessage(tx, conversation_id));
    const run_id = v7();
    const { user_id = null } = currentCaller();
    const said = { conversation_id, role: 'user', content, run_id, user_id, attachments } as const;
    const message = await this.messages.insert(tx, said);
    if (!message) throw new Error('A message of a user has no conflict.');
    await this.files.attach(tx, conversation_id, attachments);
    await emit(tx, 'message.created', { ...message });
    return { message, reply: null, run_id };
  }

  /** What the agent is shown, oldest first: the end of the conversation up to the message. */
  private async context({ conversation_id, id }: Message) {
    const newest = await this.messages.upTo(conversation_id, id, CONTEXT_WINDOW);
    return fitting(newest).reverse();
  }
}
