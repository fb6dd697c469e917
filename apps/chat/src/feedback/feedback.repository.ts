import { Injectable } from '@nestjs/common';
import type { Feedback, GiveFeedback } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import { currentCaller } from '@taai/tenant';

const columns = 'message_id, user_id, rating, comment, created_at, updated_at';

/** As many as a conversation may have participants. */
const LIST = sql(
  `select ${columns} from message_feedback where message_id = $1 order by created_at, user_id limit 200`,
);

const PUT = sql(`
  insert into message_feedback (tenant_id, message_id, user_id, rating, comment) values ($1, $2, $3, $4, $5)
  on conflict (tenant_id, message_id, user_id)
  do update set rating = excluded.rating, comment = excluded.comment, updated_at = now() returning ${columns}`);

const REMOVE = sql('delete from message_feedback where message_id = $1 and user_id = $2 returning user_id');

@Injectable()
export class FeedbackRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Oldest first. */
  list(message_id: string): Promise<Feedback[]> {
    return this.rls.read<Feedback>(LIST, [message_id]);
  }

  async put({ id, rating, comment = null }: GiveFeedback): Promise<Feedback> {
    const { tenant_id, user_id } = currentCaller();
    const [feedback] = await this.rls.write<Feedback>(PUT, [tenant_id, id, user_id, rating, comment]);
    if (!feedback) throw new Error('What was written is returned.');
    return feedback;
  }

  /** Whether the caller had said anything. */
  async remove(message_id: string): Promise<boolean> {
    return (await this.rls.write(REMOVE, [message_id, currentCaller().user_id])).length > 0;
  }
}
