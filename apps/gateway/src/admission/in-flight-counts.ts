import { ProblemError } from '@taai/contracts';

/** How long a request waits that is beyond its tenant's limit: who sends the next one when the last is refused is slowed down by it. */
const WAIT_MS = 150;
/** Of one tenant; more are refused at once. */
const MAX_WAITING = 1000;

interface Tenant {
  count: number;
  /** Each is told that it counts now, in the order of arrival. */
  readonly waiting: Set<() => void>;
}

/** Counts the requests that each tenant has in flight at this process, up to its limit. */
export class InFlightCounts {
  private readonly tenants = new Map<string, Tenant>();

  /** How many requests of the tenant count. */
  of(id: string): number {
    return this.tenants.get(id)?.count ?? 0;
  }

  /** Resolves when the request counts, until `leave`. Throws `too_many_requests_in_flight` when others do for the next 150 ms. */
  async enter(id: string, limit: number | null): Promise<void> {
    const tenant = this.tenants.get(id) ?? { count: 0, waiting: new Set() };
    this.tenants.set(id, tenant);
    if (limit === null || tenant.count < limit) tenant.count += 1;
    else await this.turn(tenant, limit);
  }

  leave(id: string): void {
    const tenant = this.tenants.get(id);
    if (!tenant) return;
    const [next] = tenant.waiting;
    if (next) return next();
    tenant.count -= 1;
    if (tenant.count === 0) this.tenants.delete(id);
  }

  /** Waits until another request leaves, whose place is taken over. */
  private turn({ waiting }: Tenant, limit: number): Promise<void> {
    if (waiting.size >= MAX_WAITING) return Promise.reject(tooMany(limit));
    return new Promise((resolve, reject) => {
      const begin = () => settle(resolve);
      const timer = setTimeout(() => settle(() => reject(tooMany(limit))), WAIT_MS);
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        waiting.delete(begin);
        outcome();
      };
      waiting.add(begin);
    });
  }
}

const tooMany = (limit: number) =>
  new ProblemError(
    'too_many_requests_in_flight',
    `The tenant may have ${limit} requests in flight at once (requests_in_flight).`,
    { retry_after: 1 },
  );
