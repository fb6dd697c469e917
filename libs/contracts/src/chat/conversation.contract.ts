import { IsBoolean, IsIn, IsISO8601, IsObject, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, Nullable, Optional, Page, PageQuery, type Timestamp } from '../fields';
import { Describe } from '../schema/describe';
import { limits } from '../schema/limits';
import { conversationRoles, type ConversationRole } from './participant.contract';

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

  @Describe('When it was deleted: until 30 days later it can be restored; null: it was not.', null)
  @Nullable()
  @IsISO8601()
  deleted_at: Timestamp | null;

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

  @Describe("True: the caller's own that were deleted and can be restored; no other filter goes with it.", 'false')
  @Optional()
  @IsIn(['true', 'false'])
  deleted?: 'true' | 'false';
}

/** Asks what to do with a conversation that goes. */
export class DeleteConversation extends ById {
  @Describe('True: it is gone at once and for good, also when it was deleted before.', 'false')
  @Optional()
  @IsIn(['true', 'false'])
  permanent?: 'true' | 'false';
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
      'Only its owner may. At once nobody sees it any more: streams of it end within 5 seconds, and its links are revoked. For 30 days its owner can restore it; then it is gone for good, as with `permanent=true` at once. Runs that answered it stay, for holders of `runs:read_any`. Answers `not_found` (404) the second time, unless that is to be permanent.',
    http: 'DELETE /v1/conversations/:id',
    access: 'conversations:delete',
    input: DeleteConversation,
    output: Nothing,
    effect: 'once',
  },
  restore: {
    summary: 'Restore a conversation that was deleted',
    description:
      'Only its owner may, for 30 days. Its messages and participants are back; its links stay revoked. Answers `not_found` (404) for one that was not deleted, or is gone for good.',
    http: 'POST /v1/conversations/:id/restore',
    access: 'conversations:delete',
    status: 200,
    input: ById,
    output: Conversation,
    effect: 'once',
  },
});
