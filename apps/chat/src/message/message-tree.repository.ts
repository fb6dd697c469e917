import { Injectable } from '@nestjs/common';
import type { Message } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';
import { v7 } from 'uuid';
import { branch } from '../context/branch.sql';
import { MESSAGE_COLUMNS } from './message.repository';

const PATH = sql(`with ${branch('attachments')} select id, attachments from shown order by place limit $3`);

const COPY = sql(`
  insert into messages (tenant_id, id, conversation_id, parent_message_id, role, content, attachments, user_id, created_at)
  select $1, copy.id, $2, copy.parent, m.role, m.content, m.attachments, m.user_id, m.created_at
  from unnest($3::uuid[], $4::uuid[], $5::uuid[]) as copy (of, id, parent) join messages m on m.tenant_id = $1 and m.id = copy.of`);

/** What a summary tells of is in the copy, too. */
const COPY_SUMMARIES = sql(`
  insert into message_summaries (tenant_id, message_id, conversation_id, content, claim_id, claimed_until)
  select $1, copy.id, $2, s.content, s.claim_id, s.claimed_until
  from unnest($3::uuid[], $4::uuid[]) as copy (of, id)
  join message_summaries s on s.tenant_id = $1 and s.message_id = copy.of where s.content is not null`);

const QUESTION = sql(
  `select ${MESSAGE_COLUMNS} from messages where id = $1 and conversation_id = $2 and role = 'user'`,
);

const REGENERATE = sql(`
  insert into message_regenerations (tenant_id, run_id, conversation_id, message_id) values ($1, $2, $3, $4)`);

/** What goes on from what: messages of a conversation form a tree, and an agent is shown the branch that leads to a message. */
@Injectable()
export class MessageTreeRepository {
  constructor(private readonly rls: RlsPool) {}

  /** The message and what it goes on from, newest first; empty when it is not of the conversation. */
  path(conversation_id: string, id: string, limit: number): Promise<Pick<Message, 'id' | 'attachments'>[]> {
    return this.rls.read<Pick<Message, 'id' | 'attachments'>>(PATH, [conversation_id, id, limit]);
  }

  /** Copies messages, a branch from its first one on, and its summaries, into a conversation that has none. */
  async copy(tx: Tx, conversation_id: string, branch: readonly string[]): Promise<void> {
    const ids = branch.map(() => v7());
    // A first message names itself.
    const parents = ids.map((id, index) => ids[index - 1] ?? id);
    await tx.write(COPY, [tx.tenant_id, conversation_id, branch, ids, parents]);
    await tx.write(COPY_SUMMARIES, [tx.tenant_id, conversation_id, branch, ids]);
  }

  /** What a user has said; undefined for any other message. */
  async question(conversation_id: string, id: string): Promise<Message | undefined> {
    const [message] = await this.rls.read<Message>(QUESTION, [id, conversation_id]);
    return message;
  }

  /** Notes that a run answers the message once more. */
  async regenerate(tx: Tx, { conversation_id, id }: Message, run_id: string): Promise<void> {
    await tx.write(REGENERATE, [tx.tenant_id, run_id, conversation_id, id]);
  }
}
