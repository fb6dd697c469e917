import { Injectable } from '@nestjs/common';
import type { Share } from '@taai/contracts';
import { ConversationShareEntity, RlsPool, Rows, sql, type Reader, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';

const columns = ['id', 'conversation_id', 'created_by', 'expires_at', 'created_at'] as const;
const shares = new Rows(ConversationShareEntity, columns);

const living = 'revoked_at is null and (expires_at is null or expires_at > now())';

const LIST = sql(`
  select ${columns.join(', ')} from conversation_shares where conversation_id = $1 and ${living} order by id desc limit $2`);

const FIND = sql(`select ${columns.join(', ')} from conversation_shares where id = $1 and ${living}`);

const REVOKE = sql(`update conversation_shares set revoked_at = now() where id = $1 and ${living} returning id`);

const RESOLVE = sql('select tenant_id, id, conversation_id from find_share($1)');

@Injectable()
export class ShareRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  insert(
    tx: Tx,
    share: Pick<ConversationShareEntity, 'id' | 'conversation_id' | 'token_hash' | 'created_by' | 'expires_at'>,
  ): Promise<Share> {
    return shares.insert(tx, share);
  }

  /** Those that work, newest first. */
  list(conversation_id: string, limit: number, db: Reader = this.rls): Promise<Share[]> {
    return db.read<Share>(LIST, [conversation_id, limit]);
  }

  async find(id: string): Promise<Share | undefined> {
    const [share] = await this.rls.read<Share>(FIND, [id]);
    return share;
  }

  /** Whether it worked until now. */
  async revoke(tx: Tx, id: string): Promise<boolean> {
    return (await tx.write(REVOKE, [id])).length > 0;
  }

  /** The conversation that a token shows, in whatever tenant; undefined when it shows none. */
  async resolve(token_hash: string): Promise<{ tenant_id: string; id: string; conversation_id: string } | undefined> {
    const [found] = await this.db.query<{ tenant_id: string; id: string; conversation_id: string }[]>(RESOLVE, [
      token_hash,
    ]);
    return found;
  }
}
