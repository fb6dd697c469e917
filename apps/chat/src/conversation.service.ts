import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  type Conversation,
  type CreateConversation,
  type ListConversations,
  type PageOf,
  type UpdateConversation,
} from '@taai/contracts';
import { emit, idAfter, toPage, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ConversationAccess } from './conversation-access';
import { ConversationRepository } from './conversation.repository';
import { AGENTS, type Agents } from './orchestrator';

@Injectable()
export class ConversationService {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
    private readonly access: ConversationAccess,
    @Inject(AGENTS) private readonly agents: Agents,
  ) {}

  /** Reads the agent with the caller's token, so that only those who may read it can talk to it. */
  async create(input: CreateConversation): Promise<Conversation> {
    const { id: agent_id } = await this.agents.get({ id: input.agent_id });
    const { user_id = null } = currentCaller();
    return withTenant(this.db, async (tx) => {
      const conversation = await this.conversations.insert(tx, { agent_id, title: input.title ?? null, user_id });
      await emit(tx, 'conversation.created', { ...conversation });
      return conversation;
    });
  }

  async list({ participant, limit, cursor }: ListConversations): Promise<PageOf<Conversation>> {
    const scope = this.access.scope();
    const after = idAfter(cursor);
    const user = participant ?? scope;
    const others = scope !== user && scope ? { with: scope } : {};
    const rows = user
      ? await this.conversations.pageOf({ participant: user, ...others, ...(after && { after }) }, limit + 1)
      : await this.conversations.page(after, limit + 1);
    const page = toPage(rows, limit, ({ id }) => [id]);
    if (!scope) await this.access.auditList(page.data.map(({ id }) => id));
    return page;
  }

  get(id: string): Promise<Conversation> {
    return this.access.open(id, 'reader');
  }

  async update({ id, title }: UpdateConversation): Promise<Conversation> {
    await this.access.open(id, 'writer');
    return found('conversation', await this.conversations.rename(id, title));
  }

  async remove(id: string): Promise<void> {
    await this.access.open(id, 'owner');
    found('conversation', await this.conversations.remove(id));
  }
}
