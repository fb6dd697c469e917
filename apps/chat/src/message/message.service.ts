import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  invalidField,
  ProblemError,
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
import { ConversationAccess } from '../conversation/conversation-access';
import { ConversationRepository } from '../conversation/conversation.repository';
import { ContextService } from '../context/context.service';
import { MessageAccess } from './message-access';
import { MessageTreeRepository } from './message-tree.repository';
import { FileRepository } from '../file/file.repository';
import { FileService } from '../file/file.service';
import { MessageRepository } from './message.repository';
import { MessageWake } from './message-wake';
import { RUNS, type Runs } from '../orchestrator';
import { ReplyFollower } from './reply-follower';
import { ReplyService } from './reply.service';

@Injectable()
export class MessageService {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
    private readonly access: ConversationAccess,
    private readonly messageAccess: MessageAccess,
    private readonly messages: MessageRepository,
    private readonly tree: MessageTreeRepository,
    private readonly context: ContextService,
    private readonly wake: MessageWake,
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
    if (input.content === '' && !input.attachments?.length)
      throw invalidField('content', 'should not be empty where no file goes with it');
    const { agent_id } = await this.access.open(input.id, 'writer');
    const attachments = await this.fileService.describe(idsOf(input));
    await this.replies.catchUp(input.id);
    return this.answer(agent_id, await withTenant(this.db, (tx) => this.write(tx, input, attachments)));
  }

  /** Starts one more run for what a user has said, which all its answers stay beside. Throws `conflict` for what nobody asked. */
  async regenerate(id: string): Promise<MessageSent> {
    const { message: chosen, conversation } = await this.messageAccess.open(id, 'writer');
    const { conversation_id } = chosen;
    const asked = chosen.role === 'assistant' ? chosen.parent_message_id : id;
    const message = asked === null ? undefined : await this.tree.question(conversation_id, asked);
    if (!message) throw new ProblemError('conflict', 'Nobody has asked for this message.');
    const sent = await withTenant(this.db, async (tx): Promise<MessageSent> => {
      const run_id = found('message', await this.conversations.lockForMessage(tx, conversation_id));
      await this.tree.regenerate(tx, message, run_id);
      this.wake.afterCommit(tx, conversation_id);
      return { message, reply: null, run_id };
    });
    return this.answer(conversation.agent_id, sent);
  }

  async list({ id, limit, cursor }: PageById): Promise<PageOf<Message>> {
    const after = idAfter(cursor);
    await this.access.open(id, 'reader');
    const rows = await this.messages.page(id, after, limit + 1);
    return toFittingPage(rows, limit);
  }

  /** Has the run answer that was written with the message. */
  private async answer(agent_id: string, sent: MessageSent): Promise<MessageSent> {
    const { messages, told } = await this.context.of(sent.message);
    const run = { conversation_id: sent.message.conversation_id, run_id: sent.run_id };
    const summary = told && { summary: told.content };
    await this.runs.startFor({ ...run, agent_id, messages: fitting(messages).toReversed(), ...summary });
    this.follower.follow(run);
    return sent;
  }

  private async write(
    tx: Tx,
    { id: conversation_id, content, parent_message_id }: SendMessage,
    attachments: Attachment[],
  ): Promise<MessageSent> {
    const id = found('conversation', await this.conversations.lockForMessage(tx, conversation_id));
    if (parent_message_id) await this.assertParent(tx, conversation_id, parent_message_id);
    const run_id = v7();
    const { user_id = null } = currentCaller();
    const fields = { id, conversation_id, parent_message_id, content, run_id, user_id, attachments };
    const message = await this.messages.insert(tx, fields);
    await this.files.attach(tx, conversation_id, attachments);
    await emit(tx, 'message.created', { ...message });
    this.wake.afterCommit(tx, conversation_id);
    return { message, reply: null, run_id };
  }

  private async assertParent(tx: Tx, conversation_id: string, id: string): Promise<void> {
    if ((await this.messages.find(id, tx))?.conversation_id !== conversation_id)
      throw new ProblemError('not_found', 'There is no message with the id parent_message_id in the conversation.');
  }
}

/** What comes along is a file by now: the gateway has kept it. */
const idsOf = ({ attachments = [] }: SendMessage): string[] =>
  attachments.map(({ file_id }, at) => {
    if (file_id === undefined) throw invalidField(`attachments.${at}`, 'must name a file');
    return file_id;
  });
