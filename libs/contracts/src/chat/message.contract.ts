import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsISO8601, IsString, IsUUID, MaxLength, ValidateNested } from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, Nullable, Optional, Page, PageById, type Timestamp } from '../fields';
import { runEvents } from '../orchestrator/run-event';
import { Describe } from '../schema/describe';
import { limits } from '../schema/limits';
import { Attachment, Attachments, MessageFile } from './file.contract';

export const messageRoles = ['user', 'assistant', 'system', 'tool'] as const;
export type MessageRole = (typeof messageRoles)[number];

export class SendMessage extends ById {
  @Describe('What the user says; it may be empty where files speak for themselves.', 'When is the invoice due?')
  @IsString()
  @MaxLength(limits.messageCharacters)
  content: string;

  @Describe(
    'Files for the agent to look at, in their order: images and PDFs for models that take them, texts as text.',
    [{ file_id: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42' }, { url: 'https://example.com/receipt.png' }],
  )
  @Attachments(MessageFile)
  attachments?: MessageFile[];

  @Describe("True: the answer is the run's events as SSE.", false)
  @Optional()
  @IsBoolean()
  stream?: boolean;

  @Describe(
    'Id of the message that this one goes on from; null: from none, as a first message. Absent: what was asked last, or its answer. To edit a message, say it anew with its own parent: both branches stay.',
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

export const messageContract = contract('chat.message', {
  send: {
    summary:
      "Send a message: `{message, reply, run_id}` when the agent has answered, or the run's events as SSE (`stream`)",
    description:
      "The agent sees the end of the conversation, as much as fits. A stream that was cut is read on at `/v1/runs/{run_id}/events`. `reply` is null when the run failed. A body of the AI SDK that answers approvals, or one of AG-UI with `resume`, is no message: its decisions are made at the run, as its own route does with `runs:update`, and the run is told on. Where the agent says so, a message waits for its turn: the stream for its first event, and a plain answer for 11 minutes, then `deadline_exceeded` (504), while the run goes on. `content` may be OpenAI's content parts: their texts are joined, their files become attachments. Answers `not_found` (404) for an attachment that the sender may not read, `attachment_unreachable` (422) and `url_not_allowed` (422) for a link that leads to no file or to a private address, what an upload is refused with for a file that comes along, `agent_not_ready` (422) for an agent that cannot be run, `turn_in_progress` (409) or `too_many_turns` (429) where the agent takes no further message now, and `too_many_runs` (429) beyond the plan's limit.",
    http: 'POST /v1/conversations/:id/messages',
    access: 'conversations:update',
    input: SendMessage,
    output: MessageSent,
    custom: true,
    limit: { tokens: true },
    body: { bytes: limits.bodyBytes, values: limits.bodyValues, file_bytes: limits.fileBytes },
    effect: 'once_per_key',
    events: runEvents,
    wires: { question: 'content', files: 'attachments', remembers: true },
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
