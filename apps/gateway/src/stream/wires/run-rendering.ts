import type { ProblemError, RunEvent } from '@taai/contracts';
import type { EventEncoding } from '../sse';
import type { OutlinedRun, OutlineItem } from './outline-item';
import { RunOutline } from './run-outline';
import type { Wire } from './wire';

/**
 * Tells a run in the frames of a wire, each under the id of the event that it comes from. It takes the log from its beginning, and tells
 * what comes after the event `after`.
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
    return frames.map((frame) => `id: ${id}\ndata: ${JSON.stringify(frame)}\n\n`).join('');
  }
}
