import type { RequestHead } from '../wire/envelope';
import { InFlight } from '../wire/in-flight';
import { Slab } from '../wire/slab';

const TICK_MS = 100;
const TICKS_PER_REPORT = 10;

interface ActiveRequest {
  head: RequestHead;
  /** Whether a heartbeat has named it. */
  reported: boolean;
}

/** Holds the requests that a replica works on, and sends each caller a heartbeat that names its own: first after 100 ms, then once a second. */
export class ActiveRequests {
  private readonly requests = new Slab<ActiveRequest>();
  private readonly inFlight = new InFlight();
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  constructor(private readonly report: (caller: string, ids: string[]) => void) {}

  /** Returns the slot to `remove` it by. */
  add(head: RequestHead): number {
    this.inFlight.begin();
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    return this.requests.add({ head, reported: false });
  }

  remove(slot: number): void {
    this.requests.remove(slot);
    this.inFlight.end();
  }

  /** Waits until all are done, `ms` at most. Resolves to those that are not. */
  async drain(ms: number): Promise<RequestHead[]> {
    await this.inFlight.drained(ms);
    return Array.from(this.requests, ({ head }) => head);
  }

  private tick(): void {
    if (this.requests.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const everySecond = ++this.ticks % TICKS_PER_REPORT === 0;
    const due = new Map<string, string[]>();
    for (const request of this.requests) {
      if (request.reported && !everySecond) continue;
      request.reported = true;
      const { head } = request;
      due.set(head.caller, [...(due.get(head.caller) ?? []), head.id]);
    }
    for (const [caller, ids] of due) this.report(caller, ids);
  }
}
