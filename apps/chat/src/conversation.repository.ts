import { Injectable } from '@nestjs/common';
import type { Conversation, ConversationRole } from '@taai/contracts';
import { ConversationEntity, filtered, Rows, RlsPool, sql, type Tx } from '@taai/entities';

const columns = ['id', 'agent_id', 'title', 'user_id', 'created_at', 'updated_at', 'last_message_at'] as const;
const conversations = new Rows(ConversationEntity, columns);

/** A conversation, and what the user who asks for it is to it. */
export type SeenConversation = Conversation & { role: ConversationRole | null };

const shown = columns.map((name) => `c.${name}`).join(', ');

const FIND_FOR = sql(`
  select ${shown}, (
    select p.role from conversation_participants p where p.conversation_id = c.id and p.user_id = $2
  ) as role
  from conversations c where c.id = $1`);

/** Driven by the participant's own rows, whose order is that of the conversations: it costs what is shown, whatever others have. */
const shared = filtered<{ participant: string; with?: string; after?: string }>(
  `select ${shown} from conversation_participants p
   join conversations c on c.tenant_id = p.tenant_id and c.id = p.conversation_id where true`,
  {
    participant: (id) => `p.user_id = ${id}`,
    with: (id) =>
      `exists (select from conversation_participants w where w.conversation_id = p.conversation_id and w.user_id = ${id})`,
    after: (id) => `p.conversation_id < ${id}`,
  },
  'order by p.conversation_id desc limit $1',
);

const FOREIGN = sql(`
  select c.id from unnest($2::uuid[]) as c (id)
  where not exists (select from conversation_participants p where p.conversation_id = c.id and p.user_id = $1)`);

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

  /** Everybody's, newest first. */
  page(after: string | undefined, limit: number): Promise<Conversation[]> {
    return conversations.page(this.rls, after, limit);
  }

  /** Those in which `participant` takes part, and `with` too, if it is given; newest first. */
  pageOf(filters: Parameters<typeof shared>[0], limit: number): Promise<Conversation[]> {
    return this.rls.read<Conversation>(...shared(filters, limit));
  }

  /** Of these conversations the ones in which the user takes no part. */
  async foreign(user_id: string | null, ids: readonly string[]): Promise<string[]> {
    const rows = await this.rls.read<{ id: string }>(FOREIGN, [user_id, ids]);
    return rows.map(({ id }) => id);
  }

  async findFor(user_id: string | null, id: string): Promise<SeenConversation | undefined> {
    const [conversation] = await this.rls.read<SeenConversation>(FIND_FOR, [id, user_id]);
    return conversation;
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

  /** Nobody else changes the conversation until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<void> {
    await conversations.lock(tx, { id });
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
