import { Inject, Injectable } from '@nestjs/common';
import {
  hasEnded,
  ProblemError,
  type ConversationStart,
  type MessagesAfter,
  type NewestMessages,
  type NewestOf,
  type NewMessages,
  type ReadConversationEvents,
} from '@taai/contracts';
import { fitting } from '@taai/entities';
import { asChat } from '../as-chat';
import { ConversationAccess } from '../conversation/conversation-access';
import { EventRepository } from './event.repository';
import { timeOf } from '../message/message-id';
import { MessageRepository } from '../message/message.repository';
import { RUNS, type Runs } from '../orchestrator';

const PAGE = 100;
/** How many messages back runs are looked for that were at work where a stream begins. */
const MAX_OPEN = 20;
/** A reader may have been given a message, and not yet the end of a run that ended shortly before it, in milliseconds. */
const OVERLAP_MS = 60_000;

/** What the gateway makes streams of conversations from. */
@Injectable()
export class EventService {
  constructor(
    private readonly access: ConversationAccess,
    private readonly events: EventRepository,
    private readonly messages: MessageRepository,
    @Inject(RUNS) private readonly runs: Runs,
  ) {}

  /** Where a stream begins: behind the message that the reader has, or now. */
  async start(input: ReadConversationEvents): Promise<ConversationStart> {
    const { id, title, updated_at } = await this.access.open(input.id, 'reader');
    const last_event_id = await this.beginning(id, input.last_event_id);
    const since = input.last_event_id === undefined ? Date.now() : timeOf(last_event_id) - OVERLAP_MS;
    // Who comes back may not have heard of a title that is newer than what they know.
    const isNews = input.last_event_id !== undefined && new Date(updated_at).getTime() > timeOf(last_event_id);
    return { last_event_id, runs: await this.openRuns(id, last_event_id, since), title: isNews ? null : title };
  }

  /** The last message that a reader of the conversation has who knows this one, or, undefined, who begins now. */
  async beginning(id: string, known?: string): Promise<string> {
    const newest = (await this.events.newest([id]))[0]?.message_id ?? id;
    const last = known?.toLowerCase() ?? newest;
    // Ids are ordered: one that no message can have yet would hide what comes until then.
    return last < newest ? last : newest;
  }

  async after({ conversation_id, after }: MessagesAfter): Promise<NewMessages> {
    const rows = await this.messages.page(conversation_id, after, PAGE + 1);
    const messages = fitting(rows.slice(0, PAGE));
    const runs = await this.events.regenerations(conversation_id, after, PAGE);
    const title = await this.events.title(conversation_id);
    return { messages, has_more: messages.length < rows.length, runs, title };
  }

  async newest({ conversation_ids }: NewestOf): Promise<NewestMessages> {
    const rows = await this.events.newest(conversation_ids);
    return { newest: Object.fromEntries(rows.map(({ conversation_id, id }) => [conversation_id, id])) };
  }

  /** Runs that were at work behind the message, but for those that had ended before `since` without an answer. */
  private async openRuns(conversation_id: string, id: string, since: number): Promise<string[]> {
    const runs = await this.events.openRuns(conversation_id, id, MAX_OPEN);
    const isOpen = await asChat(() => Promise.all(runs.map((run_id) => this.isOpen(run_id, since))));
    return runs.filter((_, index) => isOpen[index]);
  }

  /** False for a run that was never started, too. */
  private async isOpen(id: string, since: number): Promise<boolean> {
    try {
      const run = await this.runs.outcome({ id });
      return !hasEnded(run) || new Date(run.finished_at ?? 0).getTime() >= since;
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not_found') return false;
      throw error;
    }
  }
}
