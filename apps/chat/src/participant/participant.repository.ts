import { Injectable } from '@nestjs/common';
import { notFound, type AddParticipant, type ConversationRole, type Participant } from '@taai/contracts';
import { RlsPool, sql, violatedConstraint, type Tx } from '@taai/entities';

const LIST = sql(`
  select user_id, role, created_at from conversation_participants where conversation_id = $1
  order by role <> 'owner', created_at, user_id limit $2`);

const ROLE = sql('select role from conversation_participants where conversation_id = $1 and user_id = $2');

const COUNT = sql('select count(*)::int as count from conversation_participants where conversation_id = $1');

const PUT = sql(`
  insert into conversation_participants as p (tenant_id, conversation_id, user_id, role) values ($1, $2, $3, $4)
  on conflict (tenant_id, conversation_id, user_id) do update set role = excluded.role where p.role <> 'owner'
  returning user_id, role, created_at`);

const PIN = sql(`
  update conversation_participants set pinned_at = case when $3 then coalesce(pinned_at, now()) end
  where conversation_id = $1 and user_id = $2 returning user_id`);

const REMOVE = sql(`
  delete from conversation_participants where conversation_id = $1 and user_id = $2 and role <> 'owner' returning user_id`);

@Injectable()
export class ParticipantRepository {
  constructor(private readonly rls: RlsPool) {}

  /** The owner first, then in the order in which they came. */
  list(conversation_id: string, limit: number): Promise<Participant[]> {
    return this.rls.read<Participant>(LIST, [conversation_id, limit]);
  }

  async role(tx: Tx, conversation_id: string, user_id: string): Promise<ConversationRole | undefined> {
    const [row] = await tx.read<{ role: ConversationRole }>(ROLE, [conversation_id, user_id]);
    return row?.role;
  }

  async count(tx: Tx, conversation_id: string): Promise<number> {
    const [row] = await tx.read<{ count: number }>(COUNT, [conversation_id]);
    return row?.count ?? 0;
  }

  /** Adds the user, or changes their role; resolves to undefined for the owner. Throws `not_found` for a user who does not exist. */
  async put(tx: Tx, { id, user_id, role }: AddParticipant): Promise<Participant | undefined> {
    try {
      const [row] = await tx.write<Participant>(PUT, [tx.tenant_id, id, user_id, role]);
      return row;
    } catch (error) {
      if (violatedConstraint(error) === 'conversation_participants_user_id_fkey') throw notFound('user');
      throw error;
    }
  }

  /** Whether the user takes part, and so can have the conversation at the top. */
  async pin(tx: Tx, conversation_id: string, user_id: string | null, isPinned: boolean): Promise<boolean> {
    return (await tx.write(PIN, [conversation_id, user_id, isPinned])).length > 0;
  }

  /** Whether the user took part, and not as the owner. */
  async remove(tx: Tx, conversation_id: string, user_id: string): Promise<boolean> {
    return (await tx.write(REMOVE, [conversation_id, user_id])).length > 0;
  }
}
