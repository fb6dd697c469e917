import type { RequestHead } from '../wire/envelope';
import { Outstanding } from '../wire/outstanding';
import { Slots } from '../wire/slots';

const TICK_MS = 100;
const TICKS_PER_REPORT = 10;

interface Held {
  head: RequestHead;
  /** Whether its caller has heard of it. */
  reported: boolean;
}

/** The requests that a replica is working on. Each caller hears of its own: at first after 100 ms, then once a second. */
export class Holdings {
  private readonly held = new Slots<Held>();
  private readonly outstanding = new Outstanding();
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(private readonly report: (caller: string, ids: string[]) => void) {}

  /** Answers the number to `remove` it by. */
  add(head: RequestHead): number {
    this.outstanding.begin();
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    return this.held.add({ head, reported: false });
  }

  remove(slot: number): void {
    this.held.remove(slot);
    this.outstanding.end();
  }

  /** Waits until the work is done, `ms` at most; answers what is unfinished then. */
  async drain(ms: number): Promise<RequestHead[]> {
    await this.outstanding.none(ms);
    return Array.from(this.held, ({ head }) => head);
  }

  private tick(): void {
    if (this.held.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const everySecond = ++this.ticks % TICKS_PER_REPORT === 0;
    const due = new Map<string, string[]>();
    for (const held of this.held) {
      if (held.reported && !everySecond) continue;
      held.reported = true;
      const { head } = held;
      due.set(head.caller, [...(due.get(head.caller) ?? []), head.id]);
    }
    for (const [caller, ids] of due) this.report(caller, ids);
  }
}
