import { Injectable } from '@nestjs/common';
import type { ChatMessage, Message } from '@taai/contracts';
import { RlsPool, sql, type MessageEntity, type Tx } from '@taai/entities';
import { v7 } from 'uuid';

const columns = 'id, conversation_id, role, content, attachments, run_id, user_id, created_at';

const INSERT = sql(`
  insert into messages (tenant_id, id, conversation_id, role, content, run_id, user_id, attachments)
  values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict (tenant_id, run_id) where role = 'assistant' do nothing returning ${columns}`);

const PAGE = sql(`
  select ${columns} from messages where conversation_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`);

const UP_TO = sql(`
  select role, content, attachments from messages
  where conversation_id = $1 and id <= $2 and role in ('user', 'assistant') order by id desc limit $3`);

const UNANSWERED = sql(`
  select question.run_id
  from (select id, role, run_id from messages where conversation_id = $1 order by id desc limit $2) as question
  where question.role = 'user' and question.run_id is not null
    and not exists (select from messages m where m.role = 'assistant' and m.run_id = question.run_id)
  order by question.id`);

const FIND_ANSWER = sql(`
  select ${columns} from messages where role = 'assistant' and run_id = $1 and conversation_id = $2`);

type NewMessage = Pick<MessageEntity, 'conversation_id' | 'role' | 'content' | 'run_id' | 'user_id'> &
  Partial<Pick<MessageEntity, 'attachments'>>;

@Injectable()
export class MessageRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Resolves to undefined when the run's answer is written already. */
  async insert(tx: Tx, message: NewMessage): Promise<Message | undefined> {
    const { conversation_id, role, content, run_id, user_id, attachments = [] } = message;
    const said = [conversation_id, role, content, run_id, user_id, JSON.stringify(attachments)];
    const values = [tx.tenant_id, v7(), ...said];
    const [inserted] = await tx.write<Message>(INSERT, values);
    return inserted;
  }

  /** Oldest first. */
  page(conversation_id: string, after: string | undefined, limit: number): Promise<Message[]> {
    return this.rls.read<Message>(PAGE, [conversation_id, after ?? null, limit]);
  }

  /** What was said up to the message `id`, newest first. */
  upTo(conversation_id: string, id: string, limit: number): Promise<ChatMessage[]> {
    return this.rls.read<ChatMessage>(UP_TO, [conversation_id, id, limit]);
  }

  /** The runs among the newest `limit` messages whose answer is not written, oldest first. */
  async unanswered(conversation_id: string, limit: number): Promise<string[]> {
    const rows = await this.rls.read<{ run_id: string }>(UNANSWERED, [conversation_id, limit]);
    return rows.map(({ run_id }) => run_id);
  }

  async findAnswer(conversation_id: string, run_id: string): Promise<Message | undefined> {
    const [answer] = await this.rls.read<Message>(FIND_ANSWER, [run_id, conversation_id]);
    return answer;
  }
}
