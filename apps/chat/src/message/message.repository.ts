import { Injectable } from '@nestjs/common';
import type { Message } from '@taai/contracts';
import { RlsPool, sql, type MessageEntity, type Reader, type Tx } from '@taai/entities';

export const MESSAGE_COLUMNS =
  'id, conversation_id, parent_message_id, role, content, attachments, run_id, user_id, created_at';

const INSERT = sql(`
  insert into messages (tenant_id, id, conversation_id, parent_message_id, role, content, run_id, user_id, attachments)
  values ($1, $2, $3, $4, 'user', $5, $6, $7, $8) returning ${MESSAGE_COLUMNS}`);

/** It goes on from what the run answers, for the first time or once more. */
const INSERT_ANSWER = sql(`
  insert into messages (tenant_id, id, conversation_id, parent_message_id, role, content, run_id)
  values ($1, $2, $3, coalesce(
    (select q.id from messages q where q.run_id = $5 and q.role = 'user' and q.conversation_id = $3),
    (select r.message_id from message_regenerations r where r.run_id = $5)), 'assistant', $4, $5)
  on conflict (tenant_id, run_id) where role = 'assistant' do nothing returning ${MESSAGE_COLUMNS}`);

const FIND = sql(`select ${MESSAGE_COLUMNS} from messages where id = $1`);

const PAGE = sql(`
  select ${MESSAGE_COLUMNS} from messages where conversation_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`);

const UNANSWERED = sql(`
  select asked.run_id
  from (
    (select id, run_id from messages where conversation_id = $1 and role = 'user' order by id desc limit $2)
    union all
    (select run_id, run_id from message_regenerations where conversation_id = $1 order by run_id desc limit $2)
  ) as asked
  where asked.run_id is not null
    and not exists (select from messages m where m.role = 'assistant' and m.run_id = asked.run_id)
  order by asked.id`);

const FIND_ANSWER = sql(`
  select ${MESSAGE_COLUMNS} from messages where role = 'assistant' and run_id = $1 and conversation_id = $2`);

type NewMessage = Pick<MessageEntity, 'id' | 'conversation_id' | 'content' | 'run_id' | 'user_id' | 'attachments'> & {
  parent_message_id: string | null | undefined;
};

@Injectable()
export class MessageRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Inserts what a user says. It goes on from `parent_message_id`; undefined: from the newest message; null: from none. */
  async insert(tx: Tx, message: NewMessage): Promise<Message> {
    const { id, conversation_id, parent_message_id, content, run_id, user_id, attachments } = message;
    const parent = parent_message_id === null ? id : parent_message_id;
    const said = [content, run_id, user_id, JSON.stringify(attachments)];
    const [inserted] = await tx.write<Message>(INSERT, [tx.tenant_id, id, conversation_id, parent, ...said]);
    if (!inserted) throw new Error('What was inserted is returned.');
    return inserted;
  }

  /** Resolves to undefined when the run's answer is written already. */
  async insertAnswer(
    tx: Tx,
    { id, conversation_id, run_id, content }: { id: string; conversation_id: string; run_id: string; content: string },
  ): Promise<Message | undefined> {
    const values = [tx.tenant_id, id, conversation_id, content, run_id];
    const [inserted] = await tx.write<Message>(INSERT_ANSWER, values);
    return inserted;
  }

  async find(id: string, db: Reader = this.rls): Promise<Message | undefined> {
    const [message] = await db.read<Message>(FIND, [id]);
    return message;
  }

  /** Oldest first. */
  page(conversation_id: string, after: string | undefined, limit: number): Promise<Message[]> {
    return this.rls.read<Message>(PAGE, [conversation_id, after ?? null, limit]);
  }

  /** The runs of the newest `limit` messages, and of as many regenerations, whose answer is not written, oldest first. */
  async unanswered(conversation_id: string, limit: number): Promise<string[]> {
    const rows = await this.rls.read<{ run_id: string }>(UNANSWERED, [conversation_id, limit]);
    return rows.map(({ run_id }) => run_id);
  }

  async findAnswer(conversation_id: string, run_id: string): Promise<Message | undefined> {
    const [answer] = await this.rls.read<Message>(FIND_ANSWER, [run_id, conversation_id]);
    return answer;
  }
}
