import type { RunEvent, RunEventData, TokenUsage } from '@taai/contracts';
import type { Ending, OpenCall, OutlinedRun, OutlineItem, Part, Resumed, ToolCall } from './outline-item';

/**
 * Reads a run's log from its beginning. What it says depends on nothing but the log so far, and it keeps no more of that than what is open:
 * a reader that goes on anywhere is told the same as one that was there all along.
 */
export class RunOutline {
  private hasBegun = false;
  private step = 1;
  /** Of the last event that took this step back. */
  private retriedBy: number | undefined;
  /** The model has ended its answer: what it says next is another step's. */
  private isAnswered = false;
  /** One more answer has ended, of which nothing was shown. */
  private isBeyond = false;
  private part: Part | undefined;
  private parts = 0;
  private usage: TokenUsage | null = null;
  private readonly calls = new Map<string, OpenCall>();

  constructor(private readonly run: OutlinedRun) {}

  /** What the next event of the log says. Types that this release does not know say nothing. */
  take(event: RunEvent): OutlineItem[] {
    return [...this.begin(), ...this.itemsOf(event)];
  }

  /** What a reader has to know who goes on here. */
  get resumed(): Resumed {
    return { type: 'resumed', step: this.step, part: this.part, calls: [...this.calls.values()] };
  }

  /** Undefined while a call is open that does not wait for a person: until it has ended the run does not wait either. */
  get paused(): OutlineItem | undefined {
    const open = [...this.calls.values()];
    if (open.length === 0 || open.some(({ waits }) => !waits)) return undefined;
    return { type: 'paused', step: this.step, calls: open.map(({ call }) => call) };
  }

  /** What a reader has to know who was told more after the event `after_id` than this log has, which then is a rebuilt one. */
  takeBack(after_id: number): OutlineItem[] {
    return this.retry({ step: this.isAnswered ? this.step + 1 : this.step, after_id }, after_id);
  }

  private begin(): OutlineItem[] {
    if (this.hasBegun) return [];
    this.hasBegun = true;
    return [{ type: 'begun' }, { type: 'step.begun', step: this.step }];
  }

  private itemsOf(event: RunEvent): OutlineItem[] {
    switch (event.type) {
      case 'token':
        return this.grow('text', event.data.text);
      case 'reasoning':
        return this.grow('reasoning', event.data.text);
      case 'usage':
        return this.answer(event.data);
      case 'step.retried':
        return this.retry(event.data, event.id);
      case 'tool.call':
        return this.callTool(event.data);
      case 'approval.required':
        return this.wait(event.data);
      case 'tool.result':
        return this.endTool(event.data);
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        return this.end(event);
      default:
        return [];
    }
  }

  private grow(kind: Part['kind'], text: string): OutlineItem[] {
    const items = this.isAnswered ? this.nextStep() : [];
    if (this.part?.kind !== kind) {
      items.push(...this.endPart());
      this.part = { kind, number: ++this.parts, message: this.message };
      items.push({ type: 'part.begun', part: this.part });
    }
    items.push({ type: 'part.grew', part: this.part, text });
    return items;
  }

  private answer(usage: TokenUsage): OutlineItem[] {
    this.usage = usage;
    if (this.isAnswered) this.isBeyond = true;
    this.isAnswered = true;
    return this.endPart();
  }

  private callTool(call: ToolCall): OutlineItem[] {
    const items = this.isBeyond ? this.nextStep() : this.endPart();
    this.isAnswered = true;
    this.calls.set(call.id, { call, waits: false });
    return [...items, { type: 'tool.called', call, message: this.message }];
  }

  private wait(call: ToolCall): OutlineItem[] {
    this.calls.set(call.id, { call, waits: true });
    return [{ type: 'approval.required', call }];
  }

  private endTool(result: RunEventData['tool.result']): OutlineItem[] {
    const waited = this.calls.get(result.id)?.waits === true;
    this.calls.delete(result.id);
    return [{ type: 'tool.ended', result, waited }];
  }

  private retry(data: RunEventData['step.retried'], by: number): OutlineItem[] {
    const ended = this.endPart();
    // Of a step that starts again this log may not have had the beginning.
    const ahead = this.isAnswered ? this.nextStep() : [];
    const retried = { type: 'step.retried' as const, data, message: this.message };
    this.retriedBy = by;
    return [...ended, retried, ...ahead];
  }

  private end(ending: Ending): OutlineItem[] {
    const last: OutlineItem[] = [
      { type: 'step.ended', step: this.step },
      { type: 'ended', ending, usage: this.usage, calls: [...this.calls.values()] },
    ];
    return [...this.endPart(), ...last];
  }

  private endPart(): OutlineItem[] {
    const { part } = this;
    this.part = undefined;
    return part ? [{ type: 'part.ended', part }] : [];
  }

  private nextStep(): OutlineItem[] {
    const items: OutlineItem[] = [...this.endPart(), { type: 'step.ended', step: this.step }];
    this.step += 1;
    this.retriedBy = undefined;
    this.isAnswered = this.isBeyond = false;
    return [...items, { type: 'step.begun', step: this.step }];
  }

  /** Name of the message that this step writes. One that was taken back leaves its name behind. */
  private get message(): string {
    const name = `${this.run.id}:${this.step}`;
    return this.retriedBy === undefined ? name : `${name}:${this.retriedBy}`;
  }
}
