import { IsIn, IsInt, IsString, IsUUID } from 'class-validator';
import { Message } from './message.contract';
import { contract, typed, type EventTable } from '../contract';
import { ById, Nullable, Optional, AnyJson } from '../fields';
import { runEvents, type RunEvent } from '../orchestrator/run-event';
import { Describe } from '../schema/describe';

const runEventTypes = Object.keys(runEvents.types);

/** An event of a run, among those of others. */
export class ConversationRunEvent {
  @Describe('Id of the run.')
  @IsUUID()
  run_id: string;

  @Describe('Place of the event in its run: 1, 2, … Whoever has the event drops it.', 1)
  @IsInt()
  id: number;

  @Describe('Type of the event, as in the stream of the run.', 'token')
  @IsIn(runEventTypes)
  type: string;

  @Describe('What the event tells, as in the stream of the run.', { text: 'The invoice is due on ' })
  @AnyJson()
  data: unknown;
}

/** What is told of a conversation that has changed. */
export class ConversationUpdated {
  @Describe('Id of the conversation.')
  @IsUUID()
  conversation_id: string;

  @Describe('Its title now; null for none.', 'Invoices')
  @Nullable()
  @IsString()
  title: string | null;
}

/** What happens in a conversation, for all who take part in it. */
export const conversationEvents = {
  name: 'ConversationEvent',
  prefix: 'Conversation',
  ids: {
    description:
      'Of `message.created`: id of the message. Reconnect with the last one as `Last-Event-ID`. The others have none.',
    format: 'uuid',
  },
  types: {
    'message.created': { description: 'A user or an agent has written a message.', data: Message },
    'run.event': {
      description: 'Something happened in a run that answers the conversation.',
      data: ConversationRunEvent,
    },
    'conversation.updated': {
      description: 'The conversation has another title: somebody has given it one, or a model has.',
      data: ConversationUpdated,
    },
  },
} as const satisfies EventTable;

export class ReadConversationEvents extends ById {
  @Describe(
    "Id of the last message that is known already; the conversation's own id for all of it. Without it the stream begins now. The header `Last-Event-ID` goes before it.",
  )
  @Optional()
  @IsUUID()
  last_event_id?: string;
}

/** Where a reader begins. */
export class ConversationStart {
  /** Messages after this one are new to the reader. */
  last_event_id: string;
  /** Runs that answer earlier messages and had not ended then, oldest first. */
  runs: string[];
  /** The title that is no news to the reader; absent where a replica of an earlier release answers. */
  title?: string | null;
}

export interface MessagesAfter {
  conversation_id: string;
  /** Id of a message, or of the conversation: none. */
  after: string;
}

/** As many as one call carries. */
export interface NewMessages {
  messages: Message[];
  has_more: boolean;
  /** Runs that were begun since to answer an earlier message once more; absent where a replica of an earlier release answers. */
  runs?: string[];
  /** Of the conversation, now; absent like `runs`. */
  title?: string | null;
}

export interface NewestOf {
  conversation_ids: readonly string[];
}

export interface NewestMessages {
  /** The newest id of a message, or of a run that answers one once more, by the id of its conversation; those without a message are not there. */
  newest: Record<string, string>;
}

/** How many conversations one question may name. */
export const MAX_NEWEST = 1000;

export const conversationEventContract = contract('chat.event', {
  read: {
    summary: 'Everything that happens in a conversation as SSE, from now on or from `Last-Event-ID`',
    description:
      "Messages of all who take part, and the events of the conversation's runs. A run is told from its start if it had not ended where the stream begins: drop events of runs that are known already, by `run_id` and `id`. The message that a run wrote comes after the events of the run. The stream lasts until it is left; it ends within 5 seconds for who is taken out of the conversation. `event: error` with a problem ends a stream that cannot go on, and with `slow_reader` one of which the client takes nothing for 10 seconds.",
    http: 'GET /v1/conversations/:id/events',
    access: 'conversations:read',
    input: ReadConversationEvents,
    output: ConversationStart,
    custom: true,
    media_type: 'text/event-stream',
    events: conversationEvents,
    headers: {
      'Last-Event-ID': {
        description: 'Id of the last message that is known already, as browsers send it.',
        example: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42',
        field: 'last_event_id',
      },
    },
    effect: 'safe',
  },
  after: {
    summary: 'Messages of a conversation whose reader was let in, for the streams of the gateway',
    callers: ['gateway'],
    input: typed<MessagesAfter>(),
    output: typed<NewMessages>(),
    effect: 'safe',
  },
  newest: {
    summary: 'The newest of each of these conversations, for streams that have heard nothing for a while',
    callers: ['gateway'],
    input: typed<NewestOf>(),
    output: typed<NewestMessages>(),
    effect: 'safe',
  },
});

/** One event of the stream. */
export type ConversationEvent =
  | { id: string; type: 'message.created'; data: Message }
  | { type: 'run.event'; data: { run_id: string } & RunEvent }
  | { type: 'conversation.updated'; data: ConversationUpdated };
