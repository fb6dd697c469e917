import type { ProblemError, RunEvent } from '@taai/contracts';
import type { EventEncoding } from '../sse';
import type { OutlinedRun, OutlineItem } from './outline-item';
import { RunOutline } from './run-outline';
import type { Wire } from './wire';

/**
 * Tells a run in the frames of a wire, under the ids of the events that they come from. It takes the log from its beginning, and tells what
 * comes after the event `after`.
 */
export class RunRendering implements EventEncoding<RunEvent> {
  private readonly outline: RunOutline;
  private isTelling: boolean;
  /** Of the last event. */
  private last = 0;

  constructor(
    private readonly wire: Wire,
    private readonly run: OutlinedRun,
    private readonly after: number,
  ) {
    this.outline = new RunOutline(run);
    this.isTelling = after === 0;
  }

  get headers(): Record<string, string> {
    return this.wire.headers;
  }

  get end(): string {
    return this.wire.end;
  }

  format(event: RunEvent): string {
    const told = event.id > this.after ? this.resume() + this.written(event.id, this.outline.take(event)) : '';
    if (event.id <= this.after) this.outline.take(event);
    this.last = event.id;
    return told;
  }

  problem(problem: ProblemError): string {
    return `data: ${JSON.stringify(this.wire.fail(problem))}\n\n`;
  }

  /** A rebuilt log merges events: a reader that has some of them drops those, and is back at the last one before. */
  private resume(): string {
    if (this.isTelling) return '';
    this.isTelling = true;
    if (this.last === 0) return '';
    const cut = this.last < this.after ? this.outline.takeBack(this.last) : [];
    return this.written(this.last, [this.outline.resumed, ...cut]);
  }

  private written(id: number, items: readonly OutlineItem[]): string {
    const frames = items.flatMap((item) => this.wire.tell(item, this.run));
    const from = whole(frames);
    return frames.map((frame, at) => `${at < from ? '' : `id: ${id}\n`}data: ${JSON.stringify(frame)}\n\n`).join('');
  }
}

/**
 * From which of an event's frames on a reader has all that it says: only then it has its id. One that is cut before is told all of
 * them again, one that is cut behind misses nothing but the end of what it has.
 */
function whole(frames: readonly object[]): number {
  const growing = frames.findIndex((frame) => 'delta' in frame);
  return growing === -1 ? frames.length - 1 : growing;
}
