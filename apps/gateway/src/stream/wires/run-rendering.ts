import type { ProblemError, RunEvent } from '@taai/contracts';
import type { EventEncoding } from '../sse';
import type { OutlinedRun, OutlineItem, Resumed } from './outline-item';
import { RunOutline } from './run-outline';
import type { Wire } from './wire';

/** Where a reader goes on: behind the event `after`, 0 for the start; or behind the requests for approval of the calls that it has answered. */
export type RenderingStart = { after: number } | { answered: readonly string[] };

/**
 * Tells a run in the frames of a wire, under the ids of the events that they come from. It takes the log from its beginning, and tells what
 * comes behind its start.
 */
export class RunRendering implements EventEncoding<RunEvent> {
  private readonly outline: RunOutline;
  private readonly after: number;
  /** Calls that the reader has answered, and whose requests are still to come. */
  private readonly unseen: Set<string>;
  private readonly hasAnswered: boolean;
  private isTelling: boolean;
  /** Of the last event. */
  private last = 0;
  private isAtRequest = false;
  private isPaused = false;

  constructor(
    private readonly wire: Wire,
    private readonly run: OutlinedRun,
    start: RenderingStart,
  ) {
    this.outline = new RunOutline(run);
    this.after = 'after' in start ? start.after : 0;
    this.unseen = new Set('answered' in start ? start.answered : []);
    this.hasAnswered = this.unseen.size > 0;
    this.isTelling = this.after === 0 && !this.hasAnswered;
  }

  get headers(): Record<string, string> {
    return this.wire.headers;
  }

  get end(): string {
    const { paused } = this.outline;
    return (this.isPaused && paused ? this.framed([paused]).map(written).join('') : '') + this.wire.end;
  }

  /** The last event asks the reader for approvals, and so do all calls that are open: unless the run has gone on, it waits here. */
  get mayWait(): boolean {
    return this.isAtRequest && this.outline.paused !== undefined;
  }

  /** Ends what is told as an answer that waits for a person does. */
  pause(): void {
    this.isPaused = true;
  }

  format(event: RunEvent): string {
    const isNew = event.id > this.after && this.unseen.size === 0;
    const told = isNew ? this.resume() + this.told(event.id, this.outline.take(event)) : '';
    if (!isNew) this.skip(event);
    this.last = event.id;
    this.isAtRequest = event.type === 'approval.required' && (isNew || (this.hasAnswered && this.unseen.size === 0));
    return told;
  }

  problem(problem: ProblemError): string {
    return written(this.wire.fail(problem));
  }

  private skip(event: RunEvent): void {
    this.outline.take(event);
    if (event.type === 'approval.required') this.unseen.delete(event.data.id);
  }

  /** A rebuilt log merges events: a reader that has some of them drops those, and is back at the last one before. */
  private resume(): string {
    if (this.isTelling) return '';
    this.isTelling = true;
    if (this.last === 0) return '';
    const cut = this.last < this.after ? this.outline.takeBack(this.last) : [];
    return this.told(this.last, [this.resumed, ...cut]);
  }

  /** Who answers has the calls, as answered. */
  private get resumed(): Resumed {
    const { resumed } = this.outline;
    return this.hasAnswered ? { ...resumed, calls: [] } : resumed;
  }

  private told(id: number, items: readonly OutlineItem[]): string {
    const frames = this.framed(items);
    const from = whole(frames);
    return frames.map((frame, at) => (at < from ? '' : `id: ${id}\n`) + written(frame)).join('');
  }

  private framed(items: readonly OutlineItem[]): object[] {
    return items.flatMap((item) => this.wire.tell(item, this.run));
  }
}

const written = (frame: object) => `data: ${JSON.stringify(frame)}\n\n`;

/**
 * From which of an event's frames on a reader has all that it says: only then it has its id. One that is cut before is told all of
 * them again, one that is cut behind misses nothing but the end of what it has.
 */
function whole(frames: readonly object[]): number {
  const growing = frames.findIndex((frame) => 'delta' in frame);
  return growing === -1 ? frames.length - 1 : growing;
}
