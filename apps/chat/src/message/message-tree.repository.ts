import { Injectable } from '@nestjs/common';
import type { ChatMessage, Message } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';
import { v7 } from 'uuid';
import { MESSAGE_COLUMNS } from './message.repository';

/**
 * From a message up to the first one, as far as `$3` messages. A question may be gone on from before it is answered: then its answer stands
 * beside the next question, and is shown before it.
 */
const path = (columns: string) => `
  with recursive path as (
    select m.*, 1 as depth from messages m where m.id = $2 and m.conversation_id = $1
    union all
    select m.*, p.depth + 1 from path p join messages m on m.tenant_id = p.tenant_id and m.id = p.parent_message_id
    where p.depth < $3
  ), answered as (
    select p.*, false as is_late from path p
    union all
    select a.*, q.depth, true from path q join path next on next.depth = q.depth - 1 and next.role = 'user'
    join messages a on a.tenant_id = q.tenant_id and a.run_id = q.run_id and a.role = 'assistant'
    where q.role = 'user'
  ), shown as (
    select *, lag(role) over (order by depth, is_late desc) as next_role from answered
  )
  select ${columns} from shown order by depth, is_late desc limit $3`;

const PATH = sql(path('id, attachments'));
/** With the run of each answer, and of each question that another one follows: it may have answered when the new one's run begins. */
const CONTEXT = sql(
  path(`role, content, attachments, case when role = 'assistant' or next_role = 'user' then run_id end as run_id`),
);

const COPY = sql(`
  insert into messages (tenant_id, id, conversation_id, parent_message_id, role, content, attachments, user_id, created_at)
  select $1, copy.id, $2, copy.parent, m.role, m.content, m.attachments, m.user_id, m.created_at
  from unnest($3::uuid[], $4::uuid[], $5::uuid[]) as copy (of, id, parent) join messages m on m.tenant_id = $1 and m.id = copy.of`);

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

  /** What was said up to the message, newest first. */
  context(conversation_id: string, id: string, limit: number): Promise<ChatMessage[]> {
    return this.rls.read<ChatMessage>(CONTEXT, [conversation_id, id, limit]);
  }

  /** Copies messages, a branch from its first one on, into a conversation that has none. */
  async copy(tx: Tx, conversation_id: string, branch: readonly string[]): Promise<void> {
    const ids = branch.map(() => v7());
    // A first message names itself.
    const parents = ids.map((id, index) => ids[index - 1] ?? id);
    await tx.write(COPY, [tx.tenant_id, conversation_id, branch, ids, parents]);
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
