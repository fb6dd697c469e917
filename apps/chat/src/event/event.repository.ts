import { Injectable } from '@nestjs/common';
import { RlsPool, sql } from '@taai/entities';

const NEWEST = sql(`
  select conversation.id as conversation_id, newest.message_id, greatest(newest.message_id, newest.run_id) as id
  from unnest($1::uuid[]) as conversation (id)
  cross join lateral (
    select
      (select m.id from messages m where m.conversation_id = conversation.id order by m.id desc limit 1) as message_id,
      (select r.run_id from message_regenerations r where r.conversation_id = conversation.id order by r.run_id desc limit 1) as run_id
  ) as newest
  where newest.message_id is not null`);

/** A reply that came later does not count: where the stream begins, its run was at work. */
const OPEN_RUNS = sql(`
  select asked.run_id
  from (
    (select id, run_id from messages where conversation_id = $1 and id <= $2 and role = 'user' order by id desc limit $3)
    union all
    (select run_id, run_id from message_regenerations
      where conversation_id = $1 and run_id <= $2 order by run_id desc limit $3)
  ) as asked
  where asked.run_id is not null
    and not exists (
      select from messages m where m.role = 'assistant' and m.run_id = asked.run_id and m.id <= $2
    )
  order by asked.id`);

/** Their ids are in one order with those of messages: see `lockForMessage`. */
const REGENERATIONS = sql(`
  select run_id from message_regenerations where conversation_id = $1 and run_id > $2 order by run_id limit $3`);

const TITLE = sql('select title from conversations where id = $1');

interface Newest {
  conversation_id: string;
  message_id: string;
  id: string;
}

/** What streams of conversations are made of, besides the messages themselves. */
@Injectable()
export class EventRepository {
  constructor(private readonly rls: RlsPool) {}

  /** The newest message of each conversation that has one, and the newest of messages and regenerations. */
  newest(conversation_ids: readonly string[]): Promise<Newest[]> {
    return this.rls.read<Newest>(NEWEST, [conversation_ids]);
  }

  /** Null for none, and for a conversation that is gone. */
  async title(conversation_id: string): Promise<string | null> {
    const [conversation] = await this.rls.read<{ title: string | null }>(TITLE, [conversation_id]);
    return conversation?.title ?? null;
  }

  /** The runs that were asked for after the message `id` to answer an earlier one once more, oldest first. */
  async regenerations(conversation_id: string, id: string, limit: number): Promise<string[]> {
    const rows = await this.rls.read<{ run_id: string }>(REGENERATIONS, [conversation_id, id, limit]);
    return rows.map(({ run_id }) => run_id);
  }

  /** The runs of the last `limit` messages of users, and of as many regenerations, up to the message `id` whose answer was not written then, oldest first. */
  async openRuns(conversation_id: string, id: string, limit: number): Promise<string[]> {
    const rows = await this.rls.read<{ run_id: string }>(OPEN_RUNS, [conversation_id, id, limit]);
    return rows.map(({ run_id }) => run_id);
  }
}
