import { Injectable } from '@nestjs/common';
import type { Conversation } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { SHOWN } from './conversation.repository';

/** To others than its owner it is gone, though they took part. */
const FIND_FOR = sql(`
  select ${SHOWN} from conversations c
  left join deleted_participants p on p.tenant_id = c.tenant_id and p.conversation_id = c.id and p.user_id = $2 and p.role = 'owner'
  where c.id = $1 and c.deleted_at is not null`);

const PAGE = sql(`
  select ${SHOWN} from deleted_participants p
  join conversations c on c.tenant_id = p.tenant_id and c.id = p.conversation_id
  where p.user_id = $1 and p.role = 'owner' and c.deleted_at is not null and ($2::uuid is null or c.id < $2)
  order by c.id desc limit $3`);

const MARK = sql('update conversations set deleted_at = now() where id = $1 and deleted_at is null returning id');
const UNMARK = sql('update conversations set deleted_at = null where id = $1 and deleted_at is not null returning id');

const move = (from: string, to: string) => `
  with moved as (delete from ${from} where conversation_id = $1 returning *)
  insert into ${to} (tenant_id, conversation_id, user_id, role, created_at, pinned_at)
  select tenant_id, conversation_id, user_id, role, created_at, pinned_at from moved`;
const HIDE = sql(move('conversation_participants', 'deleted_participants'));
const SHOW = sql(move('deleted_participants', 'conversation_participants'));

const END_LINKS = sql(
  'update conversation_shares set revoked_at = now() where conversation_id = $1 and revoked_at is null',
);

const REMOVE = sql('delete from conversations where id = $1 returning id');

const DUE = sql('select tenant_id, id from due_conversations($1, $2)');

const isDue = 'deleted_at < now() - make_interval(secs => $2)';
const LOCK_DUE = sql(`select id from conversations where id = $1 and ${isDue} for update`);

/** The newest first: what goes on from a message goes before it. */
const EMPTY = sql(`
  delete from messages where id in (select id from messages where conversation_id = $1 order by id desc limit $2)
  returning id`);

/** Conversations that were deleted and can be restored. */
@Injectable()
export class BinRepository {
  constructor(
    private readonly rls: RlsPool,
    private readonly db: DataSource,
  ) {}

  /** As its owner sees it; others have no role in it. */
  async findFor(user_id: string | null, id: string): Promise<Conversation | undefined> {
    const [conversation] = await this.rls.read<Conversation>(FIND_FOR, [id, user_id]);
    return conversation;
  }

  /** Those that the user owned; newest first. */
  page(user_id: string | null, after: string | undefined, limit: number): Promise<Conversation[]> {
    return this.rls.read<Conversation>(PAGE, [user_id, after ?? null, limit]);
  }

  /** Takes the conversation from everybody, and ends its links for good. Resolves to whether it was there. */
  async put(tx: Tx, id: string): Promise<boolean> {
    if ((await tx.write(MARK, [id])).length === 0) return false;
    await tx.write(END_LINKS, [id]);
    await tx.write(HIDE, [id]);
    return true;
  }

  /** Gives it back to those who took part. Resolves to whether it was deleted. */
  async takeOut(tx: Tx, id: string): Promise<boolean> {
    if ((await tx.write(UNMARK, [id])).length === 0) return false;
    await tx.write(SHOW, [id]);
    return true;
  }

  /** Removes a conversation, deleted or not, with all its messages. Resolves to whether it was there. */
  async remove(tx: Tx, id: string): Promise<boolean> {
    return (await tx.write(REMOVE, [id])).length > 0;
  }

  /** Conversations of all tenants that were deleted so long ago. */
  due(older_than_seconds: number, batch: number): Promise<{ tenant_id: string; id: string }[]> {
    return this.db.query(DUE, [older_than_seconds, batch]);
  }

  /** Keeps the conversation from being restored until the transaction ends. Resolves to whether it was deleted so long ago. */
  async lockDue(tx: Tx, id: string, older_than_seconds: number): Promise<boolean> {
    return (await tx.read(LOCK_DUE, [id, older_than_seconds])).length > 0;
  }

  /** Removes messages of the conversation, the newest first. Resolves to how many. */
  async empty(tx: Tx, id: string, limit: number): Promise<number> {
    return (await tx.write(EMPTY, [id, limit])).length;
  }
}
