import { Injectable } from '@nestjs/common';
import { found, type Conversation } from '@taai/contracts';
import { ConversationEntity, Rows, RlsPool, sql, type Tx } from '@taai/entities';
import { idBehind } from '../message/message-id';

const columns = [
  'id',
  'agent_id',
  'title',
  'user_id',
  'metadata',
  'created_at',
  'updated_at',
  'last_message_at',
  'archived_at',
  'deleted_at',
] as const;
const conversations = new Rows(ConversationEntity, columns);

/** Of the conversations that a list may show. */
export interface ConversationFilters {
  /** Those before the id; null: from the newest on. */
  after: string | null;
  /** Those in which this user takes part; null: whoever does. */
  participant: string | null;
  archived: boolean;
  /** Whether the caller has pinned them; null: either. */
  pinned: boolean | null;
  /** These alone; null: whichever. */
  ids: string[] | null;
}

/** `p` is the caller's part in it. */
export const SHOWN = [...columns.map((name) => `c.${name}`), 'p.role', 'p.pinned_at'].join(', ');
const before = (id: string) => `${id} < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')`;
/** Who takes part is moved away with a conversation that is deleted; this keeps it from who sees everybody's. */
const living = 'c.deleted_at is null';
const filters = `
  ${living} and ($3::uuid is null or exists (
    select from conversation_participants o where o.tenant_id = c.tenant_id and o.conversation_id = c.id and o.user_id = $3))
  and ($7::uuid[] is null or c.id = any($7)) and (c.archived_at is not null) = $4 and ($5::boolean is null or (p.pinned_at is not null) = $5)`;

const FIND_FOR = sql(`
  select ${SHOWN} from conversations c
  left join conversation_participants p on p.tenant_id = c.tenant_id and p.conversation_id = c.id and p.user_id = $2
  where c.id = $1 and ${living}`);

/** Driven by the user's own rows, whose order is that of the conversations: it costs what is shown, whatever others have. */
const PAGE_OF = sql(`
  select ${SHOWN} from conversation_participants p
  join conversations c on c.tenant_id = p.tenant_id and c.id = p.conversation_id
  where p.user_id = $1 and ${before('p.conversation_id')} and ${filters}
  order by p.conversation_id desc limit $6`);

const PAGE = sql(`
  select ${SHOWN} from conversations c
  left join conversation_participants p on p.tenant_id = c.tenant_id and p.conversation_id = c.id and p.user_id = $1
  where ${before('c.id')} and ${filters}
  order by c.id desc limit $6`);

const FOREIGN = sql(`
  select c.id from unnest($2::uuid[]) as c (id)
  where not exists (select from conversation_participants p where p.conversation_id = c.id and p.user_id = $1)`);

const LOCK = sql('select id from conversations where id = $1 and deleted_at is null for update');

const LOCK_FOR_MESSAGE = sql(`
  update conversations set last_message_at = clock_timestamp() where id = $1 and deleted_at is null returning id`);

/** A statement of its own: one that waits for the lock does not see what was committed meanwhile. */
const LAST_ID = sql(`
  select greatest(
    (select m.id from messages m where m.conversation_id = $1 order by m.id desc limit 1),
    (select r.run_id from message_regenerations r where r.conversation_id = $1 order by r.run_id desc limit 1)
  ) as id`);

@Injectable()
export class ConversationRepository {
  constructor(private readonly rls: RlsPool) {}

  async insert(
    tx: Tx,
    conversation: Pick<ConversationEntity, 'agent_id' | 'title' | 'user_id'> &
      Partial<Pick<ConversationEntity, 'metadata' | 'last_message_at'>>,
  ): Promise<Conversation> {
    const role = conversation.user_id === null ? null : 'owner';
    return { ...(await conversations.insert(tx, conversation)), role, pinned_at: null };
  }

  /** Newest first: those of the user, or, for who may see them all, everybody's. */
  page(user_id: string | null, filters: ConversationFilters, limit: number, all: boolean): Promise<Conversation[]> {
    const { after, participant, archived, pinned, ids } = filters;
    const params = [user_id, after, participant, archived, pinned, limit, ids];
    return this.rls.read<Conversation>(all ? PAGE : PAGE_OF, params);
  }

  /** Of these conversations the ones in which the user takes no part. */
  async foreign(user_id: string | null, ids: readonly string[]): Promise<string[]> {
    const rows = await this.rls.read<{ id: string }>(FOREIGN, [user_id, ids]);
    return rows.map(({ id }) => id);
  }

  /** As the user sees it. */
  async findFor(user_id: string | null, id: string): Promise<Conversation | undefined> {
    const [conversation] = await this.rls.read<Conversation>(FIND_FOR, [id, user_id]);
    return conversation;
  }

  async update(
    tx: Tx,
    id: string,
    fields: Partial<Pick<ConversationEntity, 'title' | 'metadata' | 'archived_at'>>,
  ): Promise<void> {
    await conversations.update(tx, { id }, fields);
  }

  /** Nobody else changes or deletes the conversation until the transaction ends. Throws `not_found`. */
  async lock(tx: Tx, id: string): Promise<void> {
    const [locked] = await tx.read<{ id: string }>(LOCK, [id]);
    found('conversation', locked);
  }

  /**
   * Sets the time of the last message, and locks the conversation until the transaction ends. Resolves to the id for the one message, or
   * the one run of a regeneration, that the transaction adds: all of a conversation commit in the order of these ids, whatever the
   * replicas' clocks say. Resolves to undefined when there is no such conversation.
   */
  async lockForMessage(tx: Tx, id: string): Promise<string | undefined> {
    const locked = await tx.write(LOCK_FOR_MESSAGE, [id]);
    if (locked.length === 0) return undefined;
    const [last] = await tx.read<{ id: string | null }>(LAST_ID, [id]);
    return idBehind(last?.id);
  }
}
