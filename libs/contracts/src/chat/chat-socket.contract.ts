import { IsBoolean, IsIn, IsString, IsUUID, Matches, MaxLength, MinLength } from 'class-validator';
import { Message } from './message.contract';
import { contract, type EventTable } from '../contract';
import { ConversationRunEvent, ConversationUpdated } from './conversation-event.contract';
import { Optional } from '../fields';
import { Describe } from '../schema/describe';
import { limits } from '../schema/limits';
import { problems } from '../schema/problem';

/** What a client sends in the handshake, as `auth`. */
export class ChatHandshake {
  @Describe('An access token, or an API key.', 'eyJhbGciOiJFZERTQSJ9…')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.tokenCharacters)
  token: string;
}

class OfConversation {
  @Describe('Id of the conversation.')
  @IsUUID()
  conversation_id: string;
}

export class JoinConversation extends OfConversation {
  @Describe(
    "Id of the last message that is known already; the conversation's own id for all of it. Without it the events begin now.",
  )
  @Optional()
  @IsUUID()
  last_event_id?: string;
}

export class ConversationJoined {
  @Describe('Where the events begin: those of the messages after this one follow.')
  @IsUUID()
  last_event_id: string;
}

export class LeaveConversation extends OfConversation {}

export class SocketDone {}

export class SendSocketMessage extends OfConversation {
  @Describe('What the user says.', 'When is the invoice due?')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.messageCharacters)
  content: string;

  @Describe(
    'Makes a repetition within 24 hours answer what the first event was answered.',
    '0198f0e2-9a41-7c55-b1d7-2f6f0e8c3a10',
  )
  @Optional()
  @IsString()
  @MaxLength(limits.idempotencyKeyCharacters)
  @Matches(/^[\x21-\x7e]+$/)
  idempotency_key?: string;
}

export class SocketMessageSent {
  @Describe('Id of the message as it was stored.')
  @IsUUID()
  message_id: string;

  @Describe('Id of the run that answers.')
  @IsUUID()
  run_id: string;
}

export class CancelSocketRun {
  @Describe('Id of the run.')
  @IsUUID()
  run_id: string;
}

export class RunStatusNow {
  @Describe('How the run stands.', 'cancelled')
  @IsString()
  status: string;
}

export class Typing extends OfConversation {
  @Describe('Whether the user is typing. It is taken back by itself when it is not repeated within 6 seconds.', true)
  @IsBoolean()
  is_typing: boolean;
}

export class TypingOf extends Typing {
  @Describe('Id of the user.')
  @IsUUID()
  user_id: string;
}

export class PresenceOf extends OfConversation {
  @Describe('Id of the user.')
  @IsUUID()
  user_id: string;

  @Describe('Whether a socket of the user is in the conversation.', true)
  @IsBoolean()
  is_online: boolean;
}

class Reason {
  @Describe('Stable: programs decide by it.', 'not_found')
  @IsIn(Object.keys(problems))
  code: string;

  @Describe('Why, for people.', 'There is no such conversation.')
  @IsString()
  detail: string;
}

export class SocketClosing extends Reason {}

export class ConversationLeft extends Reason {
  @Describe('Id of the conversation.')
  @IsUUID()
  conversation_id: string;
}

/** What the server tells the sockets of the namespace `/chat`. */
export const chatSocketEvents = {
  name: 'ChatSocketEvent',
  types: {
    'message.created': { description: 'A user or an agent has written a message.', data: Message },
    'run.event': {
      description: 'Something happened in a run that answers a conversation.',
      data: ConversationRunEvent,
    },
    'conversation.updated': {
      description: 'A conversation has another title: somebody has given it one, or a model has.',
      data: ConversationUpdated,
    },
    presence: { description: 'A user has come, or has gone.', data: PresenceOf },
    typing: { description: 'A user has begun or stopped typing.', data: TypingOf },
    'conversation.left': {
      description:
        'Nothing more comes of the conversation: the user was taken out (`not_found`), or the stream cannot go on. Join again with the last message if it may be.',
      data: ConversationLeft,
    },
    closing: {
      description:
        'The server disconnects the socket: access has ended (`unauthenticated`, `tenant_suspended`), too many events came (`rate_limited`), the client does not read (`slow_reader`), or the server stops (`service_unavailable`).',
      data: SocketClosing,
    },
  },
} as const satisfies EventTable;

const namespace = '/chat';

/** The gateway answers them by itself, with calls of the services that the routes of the same names make. */
export const chatSocketContract = contract('gateway.chat', {
  join: {
    summary: 'Follow a conversation: its messages, its runs, who is there and who types',
    description:
      'Answers `not_found` to who takes no part. Joining again goes on after `last_event_id`. Events of runs begin with the run: drop those that are known, by `run_id` and `id`.',
    socket: { namespace, event: 'conversation:join' },
    access: 'conversations:read',
    input: JoinConversation,
    output: ConversationJoined,
    effect: 'idempotent',
  },
  leave: {
    summary: 'Follow a conversation no longer',
    description: 'Nothing happens if the socket is not in it.',
    socket: { namespace, event: 'conversation:leave' },
    access: 'conversations:read',
    input: LeaveConversation,
    output: SocketDone,
    effect: 'idempotent',
  },
  send: {
    summary: 'Send a message to a conversation, which need not be joined',
    description:
      'Answers as soon as the run that replies is started: its events, and the messages, come to who has joined. Errors are those of `POST /v1/conversations/{id}/messages`.',
    socket: { namespace, event: 'message:send' },
    access: 'conversations:update',
    input: SendSocketMessage,
    output: SocketMessageSent,
    effect: 'once',
  },
  cancel: {
    summary: 'Cancel a run; one that has ended stays as it is',
    description: 'Errors are those of `POST /v1/runs/{id}/cancel`.',
    socket: { namespace, event: 'run:cancel' },
    access: 'runs:update',
    input: CancelSocketRun,
    output: RunStatusNow,
    effect: 'idempotent',
  },
  typing: {
    summary: 'Tell the others in a conversation that the user types',
    description: 'The conversation must be joined (`conflict`). Readers may not (`forbidden`).',
    socket: { namespace, event: 'typing' },
    access: 'conversations:update',
    input: Typing,
    output: SocketDone,
    effect: 'idempotent',
  },
});
