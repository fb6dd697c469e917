import type { RunEvent } from '@taai/contracts';
import type { ChannelListener } from './channels';

const terminal = new Set(['run.completed', 'run.failed', 'run.cancelled']);

/** Whether a run's log ends with the event. */
export const endsRun = ({ type }: Pick<RunEvent, 'type'>): boolean => terminal.has(type);

/** An entry of a Redis stream as ioredis returns it: its id and its fields, name and value in turn. */
export type StreamEntry = [id: string, fields: string[]];

/** Reads what the writer's script wrote: `<n>-0 t <type> d <json>`. */
export function fromEntry([id, fields]: StreamEntry): RunEvent {
  const [, type, , json] = fields;
  const data: unknown = JSON.parse(json ?? 'null');
  const event: unknown = { id: Number.parseInt(id, 10), type, data };
  if (!isRunEvent(event)) throw new Error(`The entry ${id} of a run's log is not an event.`);
  return event;
}

/** What was read last: all readers of a run are given the same message, one after the other. */
let latest: { runId: string; message: string; events: readonly RunEvent[] | undefined } | undefined;

/**
 * Reads a message of a run's live channel: the events of one write, the same objects for all readers of the run, which nobody may change.
 * Undefined when it is something else.
 */
export function fromMessage(runId: string, message: string): readonly RunEvent[] | undefined {
  // Other runs may say the same.
  if (latest?.runId !== runId || latest.message !== message) latest = { runId, message, events: parse(message) };
  return latest.events;
}

function parse(message: string): readonly RunEvent[] | undefined {
  const events: unknown = JSON.parse(message);
  return Array.isArray(events) && events.every(isRunEvent) ? events : undefined;
}

// A type that this release does not know passes: a newer one wrote it, for readers who do.
const isRunEvent = (value: unknown): value is RunEvent =>
  isObject(value) && Number.isSafeInteger(value.id) && typeof value.type === 'string' && isObject(value.data);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a reader that has the events up to `after` still needs of a run's rebuilt events. Those have gaps: the tokens of a step
 * are one event under the id of the last, and `usage` follows. A reader with some of these tokens gets `step.retried`, to drop
 * them, and the merged ones in the place of `usage`.
 */
export function resumeRebuilt(events: readonly RunEvent[], after: number): RunEvent[] {
  const at = events.findIndex(({ id }) => id > after);
  if (at === -1) return [];
  const before = events[at - 1]?.id ?? 0;
  const next = events[at];
  if (next?.type !== 'token' || before === after) return events.slice(at);
  const step = 1 + events.slice(0, at).filter(({ type }) => type === 'usage').length;
  const retried: RunEvent = { id: next.id, type: 'step.retried', data: { step, after_id: before } };
  return [retried, { ...next, id: next.id + 1 }, ...events.slice(at + 2)];
}

/** Of live messages that may wait for one reader, in characters. */
const MAX_CHARACTERS = 256 * 1024;

/**
 * The live events of a run for one reader, in a bounded buffer. It is `stale` when it may have missed some: then it keeps none until the
 * reader has turned to the log, which has them all.
 */
export class LiveFeed implements ChannelListener {
  private events: RunEvent[] = [];
  private characters = 0;
  private isStale = true;
  private ended = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly runId: string,
    private readonly capacity: number,
  ) {}

  get stale(): boolean {
    return this.isStale;
  }

  onMessage(message: string): void {
    if (this.isStale) return;
    this.characters += message.length;
    const events = this.characters > MAX_CHARACTERS ? undefined : fromMessage(this.runId, message);
    if (!events || this.events.length + events.length > this.capacity) this.spoil();
    else this.events.push(...events);
    this.wake?.();
  }

  onSubscribed(): void {
    this.spoil();
    this.wake?.();
  }

  spoil(): void {
    this.isStale = true;
    this.take();
  }

  /** Keeps events from now on. Call it before reading the log, so that none falls between. */
  refresh(): void {
    this.isStale = false;
  }

  take(): RunEvent[] {
    this.characters = 0;
    return this.events.splice(0);
  }

  /** Waits for events or a reason to read the log; false when `ms` passed without. */
  async wait(ms: number): Promise<boolean> {
    return this.isStale || this.events.length > 0 || this.sleep(ms);
  }

  /** Ends every wait, now and later. */
  end(): void {
    this.ended = true;
    this.wake?.();
  }

  /** Waits for `ms`, a new subscription or the end, and, unless stale, for events. True when it was not the time that ended it. */
  sleep(ms: number): Promise<boolean> {
    if (this.ended) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (woken: boolean) => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve(woken);
      };
      const timer = setTimeout(() => done(false), ms);
      this.wake = () => done(true);
    });
  }
}
