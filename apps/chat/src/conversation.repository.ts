import { Injectable } from '@nestjs/common';
import type { Conversation } from '@taai/contracts';
import { ConversationEntity, Rows, RlsPool, sql, type Tx } from '@taai/entities';

const columns = ['id', 'agent_id', 'title', 'user_id', 'created_at', 'updated_at', 'last_message_at'] as const;
const conversations = new Rows(ConversationEntity, columns);

const RENAME = sql(`
  update conversations set title = $2, updated_at = now() where id = $1 returning ${columns.join(', ')}`);

const REMOVE = sql('delete from conversations where id = $1 returning id');

const LOCK_FOR_MESSAGE = sql('update conversations set last_message_at = clock_timestamp() where id = $1 returning id');

@Injectable()
export class ConversationRepository {
  constructor(private readonly rls: RlsPool) {}

  insert(tx: Tx, conversation: Pick<ConversationEntity, 'agent_id' | 'title' | 'user_id'>): Promise<Conversation> {
    return conversations.insert(tx, conversation);
  }

  /** Newest first. */
  page(after: string | undefined, limit: number): Promise<Conversation[]> {
    return conversations.page(this.rls, after, limit);
  }

  find(id: string): Promise<Conversation | undefined> {
    return conversations.find(this.rls, { id });
  }

  async rename(id: string, title: string | null): Promise<Conversation | undefined> {
    const [conversation] = await this.rls.write<Conversation>(RENAME, [id, title]);
    return conversation;
  }

  /** Removes the conversation with all its messages. Resolves to its id. */
  async remove(id: string): Promise<string | undefined> {
    const [removed] = await this.rls.write<{ id: string }>(REMOVE, [id]);
    return removed?.id;
  }

  /**
   * Sets the time of the last message, and locks the conversation until the transaction ends: messages whose ids are minted
   * under the lock commit in the order of their ids. Resolves to undefined when there is no such conversation.
   */
  async lockForMessage(tx: Tx, id: string): Promise<string | undefined> {
    const [locked] = await tx.write<{ id: string }>(LOCK_FOR_MESSAGE, [id]);
    return locked?.id;
  }
}
