import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  invalidField,
  limits,
  ProblemError,
  type Conversation,
  type CreateConversation,
  type ForkConversation,
  type ListConversations,
  type PageOf,
  type UpdateConversation,
} from '@taai/contracts';
import { emit, idAfter, toPage, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ConversationAccess } from './conversation-access';
import { ConversationRepository } from './conversation.repository';
import { FileRepository } from '../file/file.repository';
import { MessageWake } from '../message/message-wake';
import { MessageTreeRepository } from '../message/message-tree.repository';
import { AGENTS, type Agents } from '../orchestrator';
import { ParticipantRepository } from '../participant/participant.repository';
import { SearchRepository } from './search.repository';

@Injectable()
export class ConversationService {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
    private readonly access: ConversationAccess,
    private readonly participants: ParticipantRepository,
    private readonly tree: MessageTreeRepository,
    private readonly search: SearchRepository,
    private readonly files: FileRepository,
    private readonly wake: MessageWake,
    @Inject(AGENTS) private readonly agents: Agents,
  ) {}

  /** Reads the agent with the caller's token, so that only those who may read it can talk to it. */
  async create({ agent_id: asked, title = null, metadata = {} }: CreateConversation): Promise<Conversation> {
    assertSmall(metadata);
    const { id: agent_id } = await this.agents.get({ id: asked });
    const { user_id = null } = currentCaller();
    return withTenant(this.db, async (tx) => {
      const conversation = await this.conversations.insert(tx, { agent_id, title, user_id, metadata });
      await emit(tx, 'conversation.created', { ...conversation });
      return conversation;
    });
  }

  async list(query: ListConversations): Promise<PageOf<Conversation>> {
    const { participant = null, archived, pinned, limit, cursor, q } = query;
    const scope = this.access.scope();
    const filters = {
      after: idAfter(cursor) ?? null,
      participant: participant === scope ? null : participant,
      archived: archived === 'true',
      pinned: pinned === undefined ? null : pinned === 'true',
      ids: null,
    };
    const user_id = scope ?? currentCaller().user_id ?? null;
    const page = (ids: string[] | null, after: string | null) =>
      this.conversations.page(user_id, { ...filters, ids, after }, limit + 1, scope === undefined);
    const found =
      q === undefined ? undefined : await this.search.conversations(scope ?? null, q, filters.after, limit + 1);
    const shown = found
      ? { ...toPage(found, limit, (id) => [id]), data: await page(found.slice(0, limit), null) }
      : toPage(await page(null, filters.after), limit, ({ id }) => [id]);
    if (!scope) await this.access.auditList(shown.data.map(({ id }) => id));
    return shown;
  }

  get(id: string): Promise<Conversation> {
    return this.access.open(id, 'reader');
  }

  /** Throws `forbidden` where one field asks for more than the caller may. */
  async update({ id, is_pinned, is_archived, title, metadata }: UpdateConversation): Promise<Conversation> {
    if (metadata) assertSmall(metadata);
    const isChange = title !== undefined || metadata !== undefined;
    await this.access.open(id, is_archived !== undefined ? 'owner' : isChange ? 'writer' : 'reader');
    const { user_id = null } = currentCaller();
    const archived_at = is_archived === undefined ? undefined : is_archived ? new Date() : null;
    const fields = { title, metadata, archived_at };
    await withTenant(this.db, async (tx) => {
      if (isChange || is_archived !== undefined) await this.conversations.update(tx, id, fields);
      if (title !== undefined) this.wake.afterCommit(tx, id);
      if (is_pinned !== undefined && !(await this.participants.pin(tx, id, user_id, is_pinned)))
        throw new ProblemError('forbidden', 'Only who takes part in a conversation can pin it.');
    });
    return found('conversation', await this.conversations.findFor(user_id, id));
  }

  /** Throws `not_found` for a message of another conversation, and `conflict` for too long a history. */
  async fork({ id, message_id }: ForkConversation): Promise<Conversation> {
    const { agent_id, title } = await this.access.open(id, 'reader');
    const path = await this.tree.path(id, message_id, limits.forkedMessages + 1);
    if (path.length === 0) throw new ProblemError('not_found', 'There is no such message.');
    if (path.length > limits.forkedMessages)
      throw new ProblemError('conflict', `At most ${limits.forkedMessages} messages can be taken along.`);
    const { user_id = null } = currentCaller();
    return withTenant(this.db, async (tx) => {
      const owned = { agent_id, title, user_id, last_message_at: new Date() };
      const conversation = await this.conversations.insert(tx, owned);
      await this.tree.copy(tx, conversation.id, path.map((message) => message.id).reverse());
      await this.files.attach(
        tx,
        conversation.id,
        path.flatMap(({ attachments }) => attachments),
      );
      await emit(tx, 'conversation.created', { ...conversation });
      return conversation;
    });
  }
}

function assertSmall(metadata: Record<string, unknown>): void {
  if (Buffer.byteLength(JSON.stringify(metadata)) > limits.conversationMetadataBytes)
    throw invalidField('metadata', `must have at most ${limits.conversationMetadataBytes} bytes of JSON`);
}
