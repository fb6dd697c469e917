import { Injectable } from '@nestjs/common';
import type { ConversationRole } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import { RUN_COLUMNS, type RunRow } from '../run/run-row';

const FIND_FOR = sql(`
  select ${RUN_COLUMNS}, (
    select p.role from conversation_participants p where p.conversation_id = r.conversation_id and p.user_id = $2
  ) as participant_role
  from agent_runs r where id = $1`);

/** SQL for whether a user sees a run without a permission for everybody's. */
export const isSeen = (run: string, user: string) => `(
  (${run}.conversation_id is null and ${run}.user_id = ${user}) or exists (
    select from conversation_participants p where p.conversation_id = ${run}.conversation_id and p.user_id = ${user}
  ))`;

const FOREIGN = sql(`select id from agent_runs r where id = any($2::uuid[]) and ${isSeen('r', '$1')} is not true`);

/** A run, and what the user who asks for it is to its conversation. */
export type SeenRun = RunRow & { participant_role: ConversationRole | null };

@Injectable()
export class RunAccessRepository {
  constructor(private readonly rls: RlsPool) {}

  async findFor(user_id: string | null, id: string): Promise<SeenRun | undefined> {
    const [run] = await this.rls.read<SeenRun>(FIND_FOR, [id, user_id]);
    return run;
  }

  /** Of these runs the ones that the user sees by permission alone. */
  async foreign(user_id: string | null, ids: readonly string[]): Promise<string[]> {
    const rows = await this.rls.read<{ id: string }>(FOREIGN, [user_id, ids]);
    return rows.map(({ id }) => id);
  }
}
