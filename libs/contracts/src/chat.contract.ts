import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsISO8601, IsString, IsUUID, MaxLength, MinLength, ValidateNested } from 'class-validator';
import { contract, Nothing } from './contract';
import { ById, Nullable, Optional, Page, PageById, PageQuery, type Timestamp } from './fields';
import { limits } from './limits';

export const messageRoles = ['user', 'assistant', 'system', 'tool'] as const;
export type MessageRole = (typeof messageRoles)[number];

export class CreateConversation {
  @IsUUID()
  agent_id: string;

  @Optional()
  @Nullable()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.conversationTitleCharacters)
  title?: string | null;
}

export class UpdateConversation extends ById {
  @Nullable()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.conversationTitleCharacters)
  title: string | null;
}

export class Conversation {
  @IsUUID()
  id: string;

  @IsUUID()
  agent_id: string;

  @Nullable()
  @IsString()
  title: string | null;

  @Nullable()
  @IsUUID()
  user_id: string | null;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;

  @Nullable()
  @IsISO8601()
  last_message_at: Timestamp | null;
}

export class SendMessage extends ById {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.messageCharacters)
  content: string;

  /** True: the answer is the run's events as SSE. */
  @Optional()
  @IsBoolean()
  stream?: boolean;
}

export class Message {
  @IsUUID()
  id: string;

  @IsUUID()
  conversation_id: string;

  @IsIn(messageRoles)
  role: string;

  @IsString()
  content: string;

  /** The run that answers the message, or that wrote it. */
  @Nullable()
  @IsUUID()
  run_id: string | null;

  @Nullable()
  @IsUUID()
  user_id: string | null;

  @IsISO8601()
  created_at: Timestamp;
}

export class MessageSent {
  @ValidateNested()
  @Type(() => Message)
  message: Message;

  /** Null until the run has ended, and when it failed. */
  @Nullable()
  @ValidateNested()
  @Type(() => Message)
  reply: Message | null;

  @IsUUID()
  run_id: string;
}

/** A run and the conversation that it answers. */
export class ConversationRun {
  @IsUUID()
  run_id: string;

  @IsUUID()
  conversation_id: string;
}

export class RunReply {
  @Nullable()
  @ValidateNested()
  @Type(() => Message)
  reply: Message | null;
}

export const conversationContract = contract('chat.conversation', {
  create: {
    summary: 'Open a conversation with an agent',
    http: 'POST /v1/conversations',
    access: 'conversations:create',
    input: CreateConversation,
    output: Conversation,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List conversations, newest first',
    http: 'GET /v1/conversations',
    access: 'conversations:read',
    input: PageQuery,
    output: Page(Conversation),
    effect: 'safe',
  },
  get: {
    summary: 'Read a conversation',
    http: 'GET /v1/conversations/:id',
    access: 'conversations:read',
    input: ById,
    output: Conversation,
    effect: 'safe',
  },
  update: {
    summary: 'Rename a conversation',
    http: 'PATCH /v1/conversations/:id',
    access: 'conversations:update',
    input: UpdateConversation,
    output: Conversation,
    effect: 'once',
  },
  remove: {
    summary: 'Delete a conversation and its messages',
    http: 'DELETE /v1/conversations/:id',
    access: 'conversations:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});

export const messageContract = contract('chat.message', {
  send: {
    summary:
      "Send a message: `{message, reply, run_id}` when the agent has answered, or the run's events as SSE (`stream`)",
    http: 'POST /v1/conversations/:id/messages',
    access: 'conversations:update',
    input: SendMessage,
    output: MessageSent,
    custom: true,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List the messages of a conversation, oldest first',
    http: 'GET /v1/conversations/:id/messages',
    access: 'conversations:read',
    input: PageById,
    output: Page(Message),
    effect: 'safe',
  },
  reply: {
    summary: 'The reply of a run; null while the run goes on, and when it ended without a word',
    callers: ['gateway'],
    input: ConversationRun,
    output: RunReply,
    effect: 'idempotent',
  },
  settle: {
    summary: "Write the reply of a run that has ended, should chat not have done so at the run's end",
    callers: ['webhook'],
    input: ConversationRun,
    output: Nothing,
    effect: 'idempotent',
  },
});
