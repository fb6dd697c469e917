import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  type Conversation,
  type CreateConversation,
  type PageOf,
  type PageQuery,
  type UpdateConversation,
} from '@taai/contracts';
import { emit, idAfter, toPage, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ConversationRepository } from './conversation.repository';
import { AGENTS, type Agents } from './orchestrator';

@Injectable()
export class ConversationService {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
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

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Conversation>> {
    const rows = await this.conversations.page(idAfter(cursor), limit + 1);
    return toPage(rows, limit, ({ id }) => [id]);
  }

  async get(id: string): Promise<Conversation> {
    return found('conversation', await this.conversations.find(id));
  }

  async update({ id, title }: UpdateConversation): Promise<Conversation> {
    return found('conversation', await this.conversations.rename(id, title));
  }

  async remove(id: string): Promise<void> {
    found('conversation', await this.conversations.remove(id));
  }
}
