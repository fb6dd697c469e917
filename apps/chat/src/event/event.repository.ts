import { Injectable } from '@nestjs/common';
import { RlsPool, sql } from '@taai/entities';

const NEWEST = sql(`
  select conversation.id as conversation_id, newest.id
  from unnest($1::uuid[]) as conversation (id)
  cross join lateral (
    select m.id from messages m where m.conversation_id = conversation.id order by m.id desc limit 1
  ) as newest`);

/** A reply that came later does not count: where the stream begins, its run was at work. */
const OPEN_RUNS = sql(`
  select question.run_id
  from (
    select id, role, run_id from messages where conversation_id = $1 and id <= $2 order by id desc limit $3
  ) as question
  where question.role = 'user' and question.run_id is not null
    and not exists (
      select from messages m where m.role = 'assistant' and m.run_id = question.run_id and m.id <= $2
    )
  order by question.id`);

/** What streams of conversations are made of, besides the messages themselves. */
@Injectable()
export class EventRepository {
  constructor(private readonly rls: RlsPool) {}

  /** The newest message of each conversation that has one. */
  newest(conversation_ids: readonly string[]): Promise<{ conversation_id: string; id: string }[]> {
    return this.rls.read<{ conversation_id: string; id: string }>(NEWEST, [conversation_ids]);
  }

  /** The runs of the last `limit` messages up to the message `id` whose answer was not written then, oldest first. */
  async openRuns(conversation_id: string, id: string, limit: number): Promise<string[]> {
    const rows = await this.rls.read<{ run_id: string }>(OPEN_RUNS, [conversation_id, id, limit]);
    return rows.map(({ run_id }) => run_id);
  }
}
