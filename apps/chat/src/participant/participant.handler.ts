import { participantContract, type AddParticipant, type ById, type RemoveParticipant } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ParticipantService } from './participant.service';

@Handles(participantContract)
export class ParticipantHandler {
  constructor(private readonly participants: ParticipantService) {}

  list({ id }: ById) {
    return this.participants.list(id);
  }

  add(input: AddParticipant) {
    return this.participants.add(input);
  }

  remove(input: RemoveParticipant) {
    return this.participants.remove(input);
  }
}
