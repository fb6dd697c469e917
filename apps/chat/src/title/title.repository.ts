import { Injectable } from '@nestjs/common';
import { RlsPool, sql, type Tx } from '@taai/entities';

/** A conversation is asked about after its first answers alone, and by one at a time: who asked a minute ago is gone. */
const CLAIM = sql(`
  update conversations c set title_asked_at = now()
  from agents a
  where c.id = $1 and c.title is null and c.deleted_at is null and a.tenant_id = c.tenant_id and a.id = c.agent_id and a.automatic_titles
    and (c.title_asked_at is null or c.title_asked_at < now() - interval '1 minute')
    and (select count(*) from (
      select from messages m where m.conversation_id = c.id and m.role = 'assistant' limit $2 + 1
    ) as answers) <= $2
  returning c.agent_id, c.user_id`);

const RELEASE = sql('update conversations set title_asked_at = null where id = $1 and title is null');

const first = (role: string) =>
  `(select left(content, $2) from messages where conversation_id = $1 and role = '${role}' order by id limit 1)`;
const OPENING = sql(`select ${first('user')} as question, ${first('assistant')} as answer`);

/** What a person has said meanwhile stands. */
const SET = sql(`
  update conversations set title = $2, updated_at = now() where id = $1 and title is null and deleted_at is null
  returning id`);

interface Opening {
  question: string | null;
  answer: string | null;
}

@Injectable()
export class TitleRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Whose conversation it is, if its agent gives titles, it has none, is within its first `answers`, and nobody asks for one. */
  async claim(id: string, answers: number): Promise<{ agent_id: string; user_id: string | null } | undefined> {
    const [claimed] = await this.rls.write<{ agent_id: string; user_id: string | null }>(CLAIM, [id, answers]);
    return claimed;
  }

  /** Lets the next one ask. */
  async release(id: string): Promise<void> {
    await this.rls.write(RELEASE, [id]);
  }

  /** How the conversation began, as far as `characters` of each message. */
  async opening(id: string, characters: number): Promise<Opening> {
    const [opening] = await this.rls.read<Opening>(OPENING, [id, characters]);
    return opening ?? { question: null, answer: null };
  }

  /** Whether the conversation had none. */
  async set(tx: Tx, id: string, title: string): Promise<boolean> {
    return (await tx.write(SET, [id, title])).length > 0;
  }
}
