import { Injectable } from '@nestjs/common';
import { limits, type ChatMessage } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { branch, LOOK_BACK, TOLD } from '../context/branch.sql';

const CHUNK = limits.summarizedMessages;

/** The oldest 20 messages that no summary of the branch tells of, if so many have fallen out of a window of `$4`; oldest first. */
const DUE = sql(`
  with ${branch()}, ${TOLD}, untold as (
    select coalesce((select since from told), (select max(place) from shown)) as messages
  )
  select m.id, m.role, m.content, m.user_id, case when s.place = u.messages then (select content from told) end as previous
  from untold u
  join shown s on s.place > u.messages - ${CHUNK} and s.place <= u.messages
  join messages m on m.tenant_id = s.tenant_id and m.id = s.id
  where u.messages - $4 >= ${CHUNK} order by s.place desc`);

/** A claim of somebody who has not come back counts no more. */
const CLAIM = sql(`
  insert into message_summaries as s (tenant_id, message_id, conversation_id, claim_id, claimed_until)
  values ($1, $2, $3, $4, now() + make_interval(secs => $5))
  on conflict (tenant_id, message_id) do update set claim_id = excluded.claim_id, claimed_until = excluded.claimed_until
  where s.content is null and s.claimed_until < now()
  returning claim_id`);

const STORE = sql(
  'update message_summaries set content = $2 where message_id = $1 and content is null returning message_id',
);

const GIVE_UP = sql('delete from message_summaries where message_id = $1 and claim_id = $2 and content is null');

type DueMessage = ChatMessage & { id: string; user_id: string | null; previous: string | null };

/** Messages that are to be summarized. */
export interface Due {
  /** The last of them. */
  message_id: string;
  /** Who has said the last of what users said. */
  user_id: string | null;
  /** The summary of what was said before. */
  previous: string | null;
  /** Oldest first. */
  messages: ChatMessage[];
}

@Injectable()
export class SummaryRepository {
  constructor(private readonly rls: RlsPool) {}

  /** What has fallen out of a window of so many messages, of the branch that leads to `tip`; undefined while it is not enough. */
  async due(conversation_id: string, tip: string, window: number): Promise<Due | undefined> {
    const rows = await this.rls.read<DueMessage>(DUE, [conversation_id, tip, window + LOOK_BACK, window]);
    const last = rows.at(-1);
    if (!last) return undefined;
    const user_id = rows.findLast((row) => row.user_id !== null)?.user_id ?? null;
    const messages = rows.map(({ role, content }) => ({ role, content }));
    return { message_id: last.id, user_id, previous: rows[0]?.previous ?? null, messages };
  }

  /** Whether the summary up to the message is the claimer's to write: it has not been written, and nobody is at it. */
  async claim(conversation_id: string, message_id: string, claim_id: string, seconds: number): Promise<boolean> {
    const params = [currentCaller().tenant_id, message_id, conversation_id, claim_id, seconds];
    return (await this.rls.write(CLAIM, params)).length > 0;
  }

  /** The first one counts. */
  async store(message_id: string, content: string): Promise<void> {
    await this.rls.write(STORE, [message_id, content]);
  }

  /** Lets others try it again at once. */
  async giveUp(message_id: string, claim_id: string): Promise<void> {
    await this.rls.write(GIVE_UP, [message_id, claim_id]);
  }
}
