import { Type } from 'class-transformer';
import { IsIn, IsISO8601, IsUUID, ValidateNested } from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, type Timestamp } from '../fields';
import { Describe } from '../schema/describe';

/** What a participant of a conversation may do, the later ones what the earlier ones may. Its owner opened it. */
export const conversationRoles = ['reader', 'writer', 'owner'] as const;
export type ConversationRole = (typeof conversationRoles)[number];

export class Participant {
  @Describe('Id of the user.')
  @IsUUID()
  user_id: string;

  @Describe('`reader` sees the conversation, `writer` may write into it too, and `owner` opened it.', 'writer')
  @IsIn(conversationRoles)
  role: string;

  @Describe('Since when the user takes part.')
  @IsISO8601()
  created_at: Timestamp;
}

export class Participants {
  @Describe('Who takes part, the owner first.')
  @ValidateNested({ each: true })
  @Type(() => Participant)
  data: Participant[];
}

export class AddParticipant extends ById {
  @Describe('Id of the user, of the same tenant.')
  @IsUUID()
  user_id: string;

  @Describe(
    '`reader`: sees the conversation and its runs; `writer`: writes into it and decides on tool calls, too.',
    'writer',
  )
  @IsIn(['reader', 'writer'])
  role: 'reader' | 'writer';
}

export class RemoveParticipant extends ById {
  @Describe('Id of the user.')
  @IsUUID()
  user_id: string;
}

export const participantContract = contract('chat.participant', {
  list: {
    summary: 'List who takes part in a conversation',
    description: 'The owner is among them. Answers `not_found` (404) to who takes no part.',
    http: 'GET /v1/conversations/:id/participants',
    access: 'conversations:read',
    input: ById,
    output: Participants,
    effect: 'safe',
  },
  add: {
    summary: 'Share a conversation with a user, or change their role in it',
    description:
      'Only its owner may. They see all of it from then on, and the runs in it. Answers `not_found` (404) for a user who does not exist, and `conflict` (409) for the owner.',
    http: 'POST /v1/conversations/:id/participants',
    access: 'conversations:update',
    input: AddParticipant,
    output: Participant,
    effect: 'idempotent',
  },
  remove: {
    summary: 'Take a user out of a conversation',
    description:
      'Its owner may, and everybody may leave; the owner stays. Streams of the user end within 5 seconds. Answers `not_found` (404) for who does not take part, and `conflict` (409) for the owner.',
    http: 'DELETE /v1/conversations/:id/participants/:user_id',
    access: 'conversations:update',
    input: RemoveParticipant,
    output: Nothing,
    effect: 'once',
  },
});
