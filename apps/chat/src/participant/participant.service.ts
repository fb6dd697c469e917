import { Injectable } from '@nestjs/common';
import {
  limits,
  notFound,
  ProblemError,
  type AddParticipant,
  type Participant,
  type Participants,
  type RemoveParticipant,
} from '@taai/contracts';
import { audit, withTenant, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ConversationAccess } from '../conversation/conversation-access';
import { ConversationRepository } from '../conversation/conversation.repository';
import { ParticipantRepository } from './participant.repository';

/** Shares conversations between the users of a tenant. */
@Injectable()
export class ParticipantService {
  constructor(
    private readonly db: DataSource,
    private readonly access: ConversationAccess,
    private readonly conversations: ConversationRepository,
    private readonly participants: ParticipantRepository,
  ) {}

  async list(id: string): Promise<Participants> {
    await this.access.open(id, 'reader');
    return { data: await this.participants.list(id, limits.participants) };
  }

  /** Throws `not_found` for a user who does not exist, `conflict` for the owner and beyond the most participants. */
  async add(input: AddParticipant): Promise<Participant> {
    const { id, user_id, role } = input;
    await this.access.open(id, 'owner');
    return withTenant(this.db, async (tx) => {
      await this.conversations.lock(tx, id);
      const before = await this.participants.role(tx, id, user_id);
      if (!before) await this.assertRoom(tx, id);
      const participant = await this.participants.put(tx, input);
      if (!participant) throw ownerStays();
      const states = { ...(before && { before: { user_id, role: before } }), after: { user_id, role } };
      await audit(tx, { action: 'conversation.shared', target: targetOf(id), ...states });
      return participant;
    });
  }

  /** Everybody may leave. Throws `not_found` for who does not take part, and `conflict` for the owner. */
  async remove({ id, user_id }: RemoveParticipant): Promise<void> {
    await this.access.open(id, user_id === currentCaller().user_id ? 'reader' : 'owner');
    await withTenant(this.db, async (tx) => {
      const role = await this.participants.role(tx, id, user_id);
      if (role === 'owner') throw ownerStays();
      if (!(await this.participants.remove(tx, id, user_id))) throw notFound('participant');
      await audit(tx, { action: 'conversation.unshared', target: targetOf(id), before: { user_id, role } });
    });
  }

  private async assertRoom(tx: Tx, id: string): Promise<void> {
    if ((await this.participants.count(tx, id)) < limits.participants) return;
    throw new ProblemError('conflict', `A conversation has at most ${limits.participants} participants.`);
  }
}

const targetOf = (id: string) => ({ type: 'conversation', id });

const ownerStays = () => new ProblemError('conflict', 'The owner of a conversation stays its owner.');
