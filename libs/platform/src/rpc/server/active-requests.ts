import type { RequestHead } from '../wire/envelope';
import { CallsInFlight } from '../wire/in-flight';

const TICK_MS = 100;
const HEARTBEAT_MS = 1000;

interface ActiveRequest {
  head: RequestHead;
  /** Whether a heartbeat has named it. */
  reported: boolean;
}

/**
 * Holds the requests that a replica works on, and sends each caller a heartbeat that names its own: first after 100 ms, then once a
 * second by the clock, however seldom this process gets to run.
 */
export class ActiveRequests {
  private readonly requests = new CallsInFlight<ActiveRequest>();
  private timer: NodeJS.Timeout | undefined;
  private reportedAt = performance.now();

  constructor(private readonly report: (caller: string, ids: string[]) => void) {}

  /** Returns the slot to `remove` it by. */
  add(head: RequestHead): number {
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    return this.requests.add({ head, reported: false });
  }

  remove(slot: number): void {
    this.requests.remove(slot);
  }

  /** Waits until all are done, `ms` at most. Resolves to those that are not. */
  async drain(ms: number): Promise<RequestHead[]> {
    await this.requests.drained(ms);
    return Array.from(this.requests, ({ head }) => head);
  }

  private tick(): void {
    if (this.requests.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const now = performance.now();
    const isDue = now - this.reportedAt >= HEARTBEAT_MS;
    if (isDue) this.reportedAt = now;
    for (const [caller, ids] of this.named(isDue)) this.report(caller, ids);
  }

  /** The ids by caller: all of them, or those that no heartbeat has named yet. */
  private named(all: boolean): Map<string, string[]> {
    const named = new Map<string, string[]>();
    for (const request of this.requests) {
      if (request.reported && !all) continue;
      request.reported = true;
      const { caller, id } = request.head;
      const ids = named.get(caller);
      if (ids) ids.push(id);
      else named.set(caller, [id]);
    }
    return named;
  }
}
