import {
  ProblemError,
  type ConversationEvent,
  type ConversationStart,
  type Message,
  type RunEvent,
} from '@taai/contracts';
import type { ConversationTail } from './conversation-tail';
import { EventQueue } from './event-queue';
import { newMessages } from './new-messages';

/** Events that have been fetched and not taken; besides, each run's reader holds one page of its log. */
const CAPACITY = 16;
/** Runs that are read at once: more can be at work in one conversation only while some wait for a person. */
const MAX_RUNS = 32;
/** Runs that ended without an answer, of which an answer is still looked out for. */
const MAX_ENDED = 1000;

type ReadRun = (id: string, signal: AbortSignal) => AsyncIterable<RunEvent>;

/** One reader of a conversation: gathers the messages, and the events of the runs that they name. */
export class ConversationReading {
  private readonly queue = new EventQueue<ConversationEvent>(CAPACITY, () => this.stop());
  private readonly control = new AbortController();
  private readonly onAbort = () => this.queue.end();
  /** What was begun with, by the run's id: resolved when all its events are in the queue. */
  private readonly runs = new Map<string, Promise<void>>();
  /** Runs that wait for their turn, and how they get it. */
  private readonly waiting = new Map<string, () => void>();
  private reading = 0;
  /** As the reader knows it. */
  private title: string | null = null;

  constructor(
    private readonly tail: ConversationTail,
    private readonly readRun: ReadRun,
    /** Ends the reading. */
    private readonly signal: AbortSignal,
    private readonly onEnd: () => void = () => undefined,
  ) {
    signal.addEventListener('abort', this.onAbort);
  }

  /** The events until the signal, or until the reader takes no more. For one call. */
  events({ runs, last_event_id, title }: ConversationStart): AsyncIterableIterator<ConversationEvent, void, undefined> {
    if (this.signal.aborted) this.queue.end();
    this.title = title ?? null;
    for (const id of runs) void this.run(id);
    this.readMessages(last_event_id).catch((error: unknown) => this.queue.fail(error));
    return this.queue;
  }

  private stop(): void {
    this.signal.removeEventListener('abort', this.onAbort);
    this.control.abort();
    this.onEnd();
  }

  private async readMessages(after: string): Promise<void> {
    const { signal } = this.control;
    for await (const { messages, runs = [], title = this.title } of newMessages(this.tail, after, signal)) {
      for (const id of runs) void this.run(id);
      for (const message of messages) {
        if (signal.aborted) return;
        await this.tell(message);
      }
      await this.rename(title);
    }
  }

  private async rename(title: string | null): Promise<void> {
    if (title === this.title) return;
    this.title = title;
    const { conversation_id } = this.tail;
    await this.queue.put({ type: 'conversation.updated', data: { conversation_id, title } });
  }

  /** A run comes behind the message that it answers, and its answer behind the run: who has the answer has all of it. */
  private async tell(message: Message): Promise<void> {
    const { id, role, run_id } = message;
    const isAnswer = role === 'assistant' && run_id !== null;
    if (isAnswer) await this.run(run_id, true);
    if (isAnswer) this.runs.delete(run_id);
    await this.queue.put({ id, type: 'message.created', data: message });
    if (!isAnswer && run_id !== null) void this.run(run_id);
  }

  /** Begins with a run, if that is not done yet. One that has ended takes no place. */
  private run(id: string, hasEnded = false): Promise<void> {
    const begun = this.runs.get(id);
    if (begun && hasEnded) this.waiting.get(id)?.();
    if (begun) return begun;
    if (this.runs.size >= MAX_ENDED) this.runs.delete([...this.runs.keys()][0] ?? '');
    const told = this.tellRun(id, hasEnded).catch((error: unknown) => this.queue.fail(error));
    this.runs.set(id, told);
    return told;
  }

  private async tellRun(run_id: string, hasEnded: boolean): Promise<void> {
    if (this.reading >= MAX_RUNS && !hasEnded) await this.turnOf(run_id);
    this.reading += 1;
    try {
      for await (const event of this.readRun(run_id, this.control.signal)) {
        if (this.control.signal.aborted) return;
        await this.queue.put(inConversation(run_id, event));
      }
    } catch (error) {
      // A run that could not be started is named by its message all the same.
      if (!(error instanceof ProblemError && error.code === 'not_found')) throw error;
    } finally {
      this.reading -= 1;
      const [next] = this.waiting.values();
      next?.();
    }
  }

  private async turnOf(run_id: string): Promise<void> {
    await new Promise<void>((resolve) => this.waiting.set(run_id, resolve));
    this.waiting.delete(run_id);
  }
}

type ToldEvent = Extract<ConversationEvent, { type: 'run.event' }>;

/** What is told to many readers at once is one object, so that it is written out once. */
const shared = new WeakMap<RunEvent, ToldEvent>();

function inConversation(run_id: string, event: RunEvent): ToldEvent {
  const known = shared.get(event);
  if (known?.data.run_id === run_id) return known;
  const told: ToldEvent = { type: 'run.event', data: { run_id, ...event } };
  shared.set(event, told);
  return told;
}
