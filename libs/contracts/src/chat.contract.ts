import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsISO8601,
  IsObject,
  IsString,
  IsUUID,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing } from './contract';
import { Describe } from './schema/describe';
import { Attachment, Attachments, type AttachFile } from './file.contract';
import { ById, Nullable, Optional, Page, PageById, PageQuery, type Timestamp } from './fields';
import { limits } from './schema/limits';
import { runEvents } from './orchestrator/run-event';

export const messageRoles = ['user', 'assistant', 'system', 'tool'] as const;
export type MessageRole = (typeof messageRoles)[number];

/** What a participant of a conversation may do, the later ones what the earlier ones may. Its owner opened it. */
export const conversationRoles = ['reader', 'writer', 'owner'] as const;
export type ConversationRole = (typeof conversationRoles)[number];

/** What a user may think of an answer. */
export const feedbackRatings = ['up', 'down'] as const;
export type FeedbackRating = (typeof feedbackRatings)[number];

export class CreateConversation {
  @Describe('Id of the agent that answers.')
  @IsUUID()
  agent_id: string;

  @Describe('A name to find it by.', 'Invoices')
  @Optional()
  @Nullable()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.conversationTitleCharacters)
  title?: string | null;

  @Describe('Anything to note with it, at most 4 kB of JSON.', { ticket: '4711' })
  @Optional()
  @IsObject()
  metadata?: Record<string, unknown>;
}

export class UpdateConversation extends ById {
  @Describe('The new name; null for none.', 'Invoices')
  @Optional()
  @Nullable()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.conversationTitleCharacters)
  title?: string | null;

  @Describe('In the place of what was noted: at most 4 kB of JSON.', { ticket: '4711' })
  @Optional()
  @IsObject()
  metadata?: Record<string, unknown>;

  @Describe('Whether it is put away: lists show it only to who asks for archived ones. False takes it out again.')
  @Optional()
  @IsBoolean()
  is_archived?: boolean;

  @Describe("Whether the caller has it at the top: theirs alone, not the others'.")
  @Optional()
  @IsBoolean()
  is_pinned?: boolean;
}

export class Conversation {
  @Describe('Id of the conversation.')
  @IsUUID()
  id: string;

  @Describe('Id of the agent that answers.')
  @IsUUID()
  agent_id: string;

  @Describe('A name to find it by.', 'Invoices')
  @Nullable()
  @IsString()
  title: string | null;

  @Describe('Id of the user who opened it.')
  @Nullable()
  @IsUUID()
  user_id: string | null;

  @Describe('What its participants noted with it.', { ticket: '4711' })
  @IsObject()
  metadata: Record<string, unknown>;

  @Describe('When it was opened.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;

  @Describe('When the newest message was written; null while there is none.')
  @Nullable()
  @IsISO8601()
  last_message_at: Timestamp | null;

  @Describe('When it was put away; null: it was not.', null)
  @Nullable()
  @IsISO8601()
  archived_at: Timestamp | null;

  @Describe('What the caller is in it; null: they see it by a permission.', 'owner')
  @Nullable()
  @IsIn(conversationRoles)
  role: ConversationRole | null;

  @Describe('When the caller pinned it; null: they have not.', null)
  @Nullable()
  @IsISO8601()
  pinned_at: Timestamp | null;
}

export class ListConversations extends PageQuery {
  @Describe(
    'Only conversations whose title, or one of whose messages, has these words; `"…"` for a phrase, `-` before a word that must not be there. A page may have fewer items than `limit` although there are more.',
    'invoice january',
  )
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.searchCharacters)
  q?: string;

  @Describe('Only conversations in which this user takes part.')
  @Optional()
  @IsUUID()
  participant?: string;

  @Describe('True: archived ones alone; false or absent: the others.', 'false')
  @Optional()
  @IsIn(['true', 'false'])
  archived?: 'true' | 'false';

  @Describe('True: those alone that the caller has pinned; false: the others.', 'true')
  @Optional()
  @IsIn(['true', 'false'])
  pinned?: 'true' | 'false';
}

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

export class SendMessage extends ById {
  @Describe('What the user says.', 'When is the invoice due?')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.messageCharacters)
  content: string;

  @Describe('Files for the agent to look at, in their order: images and PDFs for models that take them, texts as text.')
  @Attachments()
  attachments?: AttachFile[];

  @Describe("True: the answer is the run's events as SSE.", false)
  @Optional()
  @IsBoolean()
  stream?: boolean;

  @Describe(
    'Id of the message that this one goes on from; null: from none, as a first message. Absent: the newest one. To edit a message, say it anew with its own parent: both branches stay.',
  )
  @Optional()
  @Nullable()
  @IsUUID()
  parent_message_id?: string | null;
}

export class Regenerate extends ById {
  @Describe("True: the answer is the run's events as SSE.", false)
  @Optional()
  @IsBoolean()
  stream?: boolean;
}

export class ForkConversation extends ById {
  @Describe('Id of the last message that the new conversation gets; those that it goes on from come along.')
  @IsUUID()
  message_id: string;
}

export class ExportConversation extends ById {
  @Describe('`md`: Markdown, for people; `json`: all that is known of the conversation and its messages.', 'md')
  @Optional()
  @IsIn(['md', 'json'])
  format?: 'md' | 'json';
}

export class GiveFeedback extends ById {
  @Describe('What the caller thinks of the answer.', 'up')
  @IsIn(feedbackRatings)
  rating: FeedbackRating;

  @Describe('Why, in their own words.', 'It found the invoice.')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.feedbackCharacters)
  comment?: string | null;
}

export class Feedback {
  @Describe('Id of the message.')
  @IsUUID()
  message_id: string;

  @Describe('Id of the user.')
  @IsUUID()
  user_id: string;

  @Describe('What they think of it.', 'up')
  @IsIn(feedbackRatings)
  rating: string;

  @Describe('Why.', 'It found the invoice.')
  @Nullable()
  @IsString()
  comment: string | null;

  @Describe('When it was said first.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was said last.')
  @IsISO8601()
  updated_at: Timestamp;
}

export class FeedbackList {
  @Describe("What the conversation's participants think of the message, oldest first.")
  @ValidateNested({ each: true })
  @Type(() => Feedback)
  data: Feedback[];
}

export class Message {
  @Describe('Id of the message.')
  @IsUUID()
  id: string;

  @Describe('Id of the conversation that it belongs to.')
  @IsUUID()
  conversation_id: string;

  @Describe('Id of the message that it goes on from; null for a first one. An answer goes on from what it answers.')
  @Nullable()
  @IsUUID()
  parent_message_id: string | null;

  @Describe('Who speaks.')
  @IsIn(messageRoles)
  role: string;

  @Describe('What is said.', 'When is the invoice due?')
  @IsString()
  content: string;

  @Describe('The files that go with it.')
  @ValidateNested({ each: true })
  @Type(() => Attachment)
  attachments: Attachment[];

  @Describe('Id of the run that answers the message, or that wrote it.')
  @Nullable()
  @IsUUID()
  run_id: string | null;

  @Describe('Id of the user who wrote it; null when an agent did.')
  @Nullable()
  @IsUUID()
  user_id: string | null;

  @Describe('When it was written.')
  @IsISO8601()
  created_at: Timestamp;
}

export class MessageSent {
  @Describe('The message as it was stored.')
  @ValidateNested()
  @Type(() => Message)
  message: Message;

  @Describe("The agent's answer; null until the run has ended, and when it failed.")
  @Nullable()
  @ValidateNested()
  @Type(() => Message)
  reply: Message | null;

  @Describe('Id of the run that answers.')
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
    description:
      'Tells webhooks `conversation.created`. Answers `not_found` (404) for an agent that does not exist, and `forbidden` (403) to callers who may not read agents.',
    http: 'POST /v1/conversations',
    access: 'conversations:create',
    input: CreateConversation,
    output: Conversation,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List conversations, newest first',
    description:
      "One's own and those that others share with one; everybody's for holders of `conversations:read_any`, whose use is audited.",
    http: 'GET /v1/conversations',
    access: 'conversations:read',
    input: ListConversations,
    output: Page(Conversation),
    effect: 'safe',
  },
  get: {
    summary: 'Read a conversation',
    description:
      'Answers `not_found` (404) to who does not take part in it, too, and holds no `conversations:read_any`.',
    http: 'GET /v1/conversations/:id',
    access: 'conversations:read',
    input: ById,
    output: Conversation,
    effect: 'safe',
  },
  update: {
    summary: 'Rename a conversation, note something with it, put it away, pin it',
    description:
      'Every participant may pin it, for themselves. Otherwise `forbidden` (403) to readers, and `not_found` (404) to who does not take part.',
    http: 'PATCH /v1/conversations/:id',
    access: 'conversations:update',
    input: UpdateConversation,
    output: Conversation,
    effect: 'once',
  },
  fork: {
    summary: "Go on from a message in a conversation of one's own",
    description:
      'The new conversation has copies of the messages up to that one, and the caller as its owner. Answers `not_found` (404) for a message of another conversation, and `conflict` (409) beyond 2,000 messages.',
    http: 'POST /v1/conversations/:id/fork',
    access: 'conversations:create',
    input: ForkConversation,
    output: Conversation,
    effect: 'once_per_key',
  },
  export: {
    summary: 'Download a conversation as Markdown or JSON',
    description:
      'All branches, oldest message first. As `json` it is `{conversation, messages}`. A download whose connection is cut before its end is not whole.',
    http: 'GET /v1/conversations/:id/export',
    access: 'conversations:read',
    input: ExportConversation,
    output: Conversation,
    custom: true,
    file_types: ['text/markdown', 'application/json'],
    effect: 'safe',
  },
  remove: {
    summary: 'Delete a conversation and its messages',
    description:
      'Only its owner may. Runs that answered it stay, for holders of `runs:read_any`. Answers `not_found` (404) the second time.',
    http: 'DELETE /v1/conversations/:id',
    access: 'conversations:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});

export const feedbackContract = contract('chat.feedback', {
  list: {
    summary: 'List what participants think of a message',
    description: 'Answers `not_found` (404) to who does not see its conversation.',
    http: 'GET /v1/messages/:id/feedback',
    access: 'conversations:read',
    input: ById,
    output: FeedbackList,
    effect: 'safe',
  },
  give: {
    summary: 'Say what one thinks of an answer; a second time it is in the place of the first',
    description:
      'Answers `conflict` (409) for a message of a user, and `not_found` (404) to who does not see its conversation.',
    http: 'POST /v1/messages/:id/feedback',
    access: 'conversations:read',
    input: GiveFeedback,
    output: Feedback,
    status: 200,
    effect: 'idempotent',
  },
  withdraw: {
    summary: 'Take back what one has said of a message',
    description: 'Answers `not_found` (404) where there is nothing to take back.',
    http: 'DELETE /v1/messages/:id/feedback',
    access: 'conversations:read',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});

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

export const messageContract = contract('chat.message', {
  send: {
    summary:
      "Send a message: `{message, reply, run_id}` when the agent has answered, or the run's events as SSE (`stream`)",
    description:
      "The agent sees the end of the conversation, as much as fits. A stream that was cut is read on at `/v1/runs/{run_id}/events`. `reply` is null when the run failed. Answers `not_found` (404) for an attachment that the sender may not read, `agent_not_ready` (422) for an agent that cannot be run, and `too_many_runs` (429) beyond the plan's limit.",
    http: 'POST /v1/conversations/:id/messages',
    access: 'conversations:update',
    input: SendMessage,
    output: MessageSent,
    custom: true,
    limit: { tokens: true },
    effect: 'once_per_key',
    events: runEvents,
    wires: { question: 'content', remembers: true },
  },
  list: {
    summary: 'List the messages of a conversation, oldest first',
    description:
      "The agent's answers are among them, and all branches: `parent_message_id` tells what each goes on from.",
    http: 'GET /v1/conversations/:id/messages',
    access: 'conversations:read',
    input: PageById,
    output: Page(Message),
    effect: 'safe',
  },
  regenerate: {
    summary: "Have a message answered once more: `{message, reply, run_id}`, or the run's events as SSE (`stream`)",
    description:
      'For a message of a user, or for one of its answers: all of them stay, side by side. Answers as sending a message does.',
    http: 'POST /v1/messages/:id/regenerate',
    access: 'conversations:update',
    input: Regenerate,
    output: MessageSent,
    custom: true,
    limit: { tokens: true },
    effect: 'once_per_key',
    events: runEvents,
    wires: {},
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
