import { Injectable } from '@nestjs/common';
import type { Conversation } from '@taai/contracts';
import { RlsPool, type Tx } from '@taai/entities';
import { v7 } from 'uuid';

const columns = 'id, agent_id, title, user_id, created_at, updated_at, last_message_at';

@Injectable()
export class ConversationRepository {
  constructor(private readonly rls: RlsPool) {}

  async insert(tx: Tx, agent_id: string, title: string | null, user_id: string | null): Promise<Conversation> {
    const [conversation] = await tx.query<[Conversation]>(
      `insert into conversations (tenant_id, id, agent_id, title, user_id) values ($1, $2, $3, $4, $5) returning ${columns}`,
      [tx.tenant_id, v7(), agent_id, title, user_id],
    );
    return conversation;
  }

  /** Newest first. */
  page(after: string | undefined, limit: number): Promise<Conversation[]> {
    return this.rls.read<Conversation>(
      `select ${columns} from conversations where $1::uuid is null or id < $1 order by id desc limit $2`,
      [after ?? null, limit],
    );
  }

  async find(id: string): Promise<Conversation | undefined> {
    const sql = `select ${columns} from conversations where id = $1`;
    const [conversation] = await this.rls.read<Conversation>(sql, [id]);
    return conversation;
  }

  async rename(id: string, title: string | null): Promise<Conversation | undefined> {
    const sql = `update conversations set title = $2, updated_at = now() where id = $1 returning ${columns}`;
    const [conversation] = await this.rls.write<Conversation>(sql, [id, title]);
    return conversation;
  }

  /** Resolves to the id of what was removed, with all messages. */
  async remove(id: string): Promise<string | undefined> {
    const sql = 'delete from conversations where id = $1 returning id';
    const [removed] = await this.rls.write<{ id: string }>(sql, [id]);
    return removed?.id;
  }

  /**
   * Notes that a message comes, and keeps others out until the transaction ends: ids that are minted after it are in the
   * order in which the messages commit. Undefined when there is no such conversation.
   */
  async enter(tx: Tx, id: string): Promise<string | undefined> {
    const [entered] = await tx.query<{ id: string }[]>(
      `with entered as (update conversations set last_message_at = clock_timestamp() where id = $1 returning id)
       select id from entered`,
      [id],
    );
    return entered?.id;
  }
}
