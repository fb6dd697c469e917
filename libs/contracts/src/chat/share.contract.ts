import { Type } from 'class-transformer';
import { IsIn, IsISO8601, IsString, IsUUID, ValidateNested } from 'class-validator';
import { messageRoles, type Message } from './message.contract';
import { contract, Nothing, type EventTable } from '../contract';
import { ById, LinkToken, Nullable, Optional, Page, PageQuery, type Timestamp } from '../fields';
import { Describe } from '../schema/describe';

export class CreateShare extends ById {
  @Describe('When the link stops working; null or absent: when it is revoked.', '2026-12-31T00:00:00Z')
  @Optional()
  @Nullable()
  @IsISO8601({ strict: true })
  expires_at?: string | null;
}

export class Share {
  @Describe('Id of the link.')
  @IsUUID()
  id: string;

  @Describe('Id of the conversation that it shows.')
  @IsUUID()
  conversation_id: string;

  @Describe('Id of the user who made it.')
  @Nullable()
  @IsUUID()
  created_by: string | null;

  @Describe('When it stops working; null: when it is revoked.', null)
  @Nullable()
  @IsISO8601()
  expires_at: Timestamp | null;

  @Describe('When it was made.')
  @IsISO8601()
  created_at: Timestamp;
}

export class CreatedShare extends Share {
  @Describe(
    'Address that shows the conversation. It is not shown again.',
    'https://api.example.com/v1/shared/5Pbl3lLrsYBbJpTqGmuCmZmB3kRzLZ8nVqkTQm2Hx8o',
  )
  @IsString()
  url: string;

  @Describe('The secret in the address.', '5Pbl3lLrsYBbJpTqGmuCmZmB3kRzLZ8nVqkTQm2Hx8o')
  @IsString()
  token: string;
}

export class Shares {
  @Describe('The links that work, newest first.')
  @ValidateNested({ each: true })
  @Type(() => Share)
  data: Share[];
}

export class ReadShared extends PageQuery {
  @Describe('The secret of the link.', '5Pbl3lLrsYBbJpTqGmuCmZmB3kRzLZ8nVqkTQm2Hx8o')
  @LinkToken()
  token: string;
}

export class SharedMessage {
  @Describe('Id of the message.')
  @IsUUID()
  id: string;

  @Describe('Id of the message that it goes on from; null for a first one.')
  @Nullable()
  @IsUUID()
  parent_message_id: string | null;

  @Describe('Who speaks.')
  @IsIn(messageRoles)
  role: string;

  @Describe('What is said.', 'When is the invoice due?')
  @IsString()
  content: string;

  @Describe('When it was written.')
  @IsISO8601()
  created_at: Timestamp;
}

/** A page of its messages, oldest first. Who wrote them is not told. */
export class SharedConversation extends Page(SharedMessage) {
  @Describe('Name of the conversation.', 'Invoices')
  @Nullable()
  @IsString()
  title: string | null;

  @Describe('When it was opened.')
  @IsISO8601()
  created_at: Timestamp;
}

/** What a link shows of a message, and no more. */
export const sharedMessageOf = ({ id, parent_message_id, role, content, created_at }: Message): SharedMessage => ({
  id,
  parent_message_id,
  role,
  content,
  created_at,
});

/** What is said in a conversation, for who has a link to it. */
export const sharedEvents = {
  name: 'SharedEvent',
  prefix: 'Shared',
  ids: {
    description: 'Id of the message. Reconnect with the last one as `Last-Event-ID`.',
    format: 'uuid',
  },
  types: {
    'message.created': { description: 'A user or an agent has written a message.', data: SharedMessage },
  },
} as const satisfies EventTable;

export class FollowShared {
  @Describe('The secret of the link.', '5Pbl3lLrsYBbJpTqGmuCmZmB3kRzLZ8nVqkTQm2Hx8o')
  @LinkToken()
  token: string;

  @Describe(
    'Id of the last message that is known already; without it the stream begins now. The header `Last-Event-ID` goes before it.',
  )
  @Optional()
  @IsUUID()
  last_event_id?: string;
}

/** What a stream of a link begins with. */
export class SharedStart {
  tenant_id: string;
  share_id: string;
  conversation_id: string;
  /** Messages after this one are new to the reader. */
  last_event_id: string;
  expires_at: Timestamp | null;
}

export const shareContract = contract('chat.share', {
  create: {
    summary: 'Make a link that shows a conversation to whoever has it',
    description:
      'Only its owner may. The link shows what is said later, too. Answers `conflict` (409) to a repetition with the same Idempotency-Key, because the secret is stored nowhere, and beyond 100 links.',
    http: 'POST /v1/conversations/:id/shares',
    access: 'conversations:update',
    input: CreateShare,
    output: CreatedShare,
    effect: 'once_per_key',
    secret: true,
  },
  list: {
    summary: 'List the links to a conversation that work',
    description: 'Only its owner may.',
    http: 'GET /v1/conversations/:id/shares',
    access: 'conversations:update',
    input: ById,
    output: Shares,
    effect: 'safe',
  },
  revoke: {
    summary: 'Revoke a link: it shows nothing any more',
    description: "Only the conversation's owner may. Answers `not_found` (404) the second time.",
    http: 'DELETE /v1/shares/:id',
    access: 'conversations:update',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  read: {
    summary: 'Read a conversation by a link',
    description: 'Answers `not_found` (404) for a link that was revoked, has expired, or never was.',
    http: 'GET /v1/shared/:token',
    access: 'public',
    input: ReadShared,
    output: SharedConversation,
    limit: { per_minute: 120 },
    effect: 'safe',
    secret: true,
  },
  follow: {
    summary: 'What is said in a conversation, by a link, as SSE: from now on or from `Last-Event-ID`',
    description:
      "The messages that the link shows, each when it is whole: what an agent writes on the way to its answer is not shown. Their ids are those of the conversation's own stream. The stream ends with `event: error` and `not_found` within 5 seconds of the link's end or the conversation's. Answers `too_many_streams` (429) beyond 100 streams of one link, and 1,000 of a tenant's links.",
    http: 'GET /v1/shared/:token/events',
    access: 'public',
    input: FollowShared,
    output: SharedStart,
    custom: true,
    media_type: 'text/event-stream',
    events: sharedEvents,
    headers: {
      'Last-Event-ID': {
        description: 'Id of the last message that is known already, as browsers send it.',
        example: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42',
        field: 'last_event_id',
      },
    },
    limit: { per_minute: 60 },
    effect: 'safe',
    secret: true,
  },
});
