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
  private readonly queue = new EventQueue<ConversationEvent>(CAPACITY);
  private readonly control = new AbortController();
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
  ) {}

  /** The events until the signal. For one call. */
  async *events(start: ConversationStart, signal: AbortSignal): AsyncGenerator<ConversationEvent, void, undefined> {
    const stop = () => {
      this.control.abort();
      this.queue.end();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.title = start.title ?? null;
    for (const id of start.runs) void this.run(id);
    this.readMessages(start.last_event_id).catch((error: unknown) => this.queue.fail(error));
    try {
      yield* this.queue;
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
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
        await this.queue.put({ type: 'run.event', data: { run_id, ...event } });
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
