import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ProblemError, type ProblemCode, type TenantLimits } from '@taai/contracts';
import { keys, log, Periodic, REDIS, type RedisClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { Principals } from '../access/principals';
import { defineConcurrencyScript } from './concurrency.script';
import { whenClosed } from './when-closed';

/** What lasts, by the name of its limit. */
export type Lasting = keyof Pick<TenantLimits, 'door_calls' | 'open_streams' | 'sse_readers'>;

const words: Record<Lasting, { code: ProblemCode; what: string }> = {
  door_calls: { code: 'too_many_requests_in_flight', what: 'calls of models' },
  open_streams: { code: 'too_many_streams', what: 'open streams' },
  sse_readers: { code: 'too_many_streams', what: 'readers of events' },
};

const TELL_MS = 1000;
/** After so long the places of a process that died are free again. */
const LEASE_MS = 4000;

/** What one tenant has of one kind. */
interface Use {
  readonly key: string;
  /** By this process. */
  held: number;
  /** By all others, as far as we have heard. */
  others: number;
  limit: number;
  readonly wanting: { resolve: (isGiven: boolean) => void; reject: (error: unknown) => void }[];
  isAsking: boolean;
}

/**
 * Counts what lasts (calls of models, streams, readers) per tenant over all gateways, up to the plan's limits. Each process leases its
 * places in Redis and renews the leases by the clock, so that those of a process that died come back within 4 s. Where there is no limit
 * nobody is asked, and Redis is told within a second.
 */
@Injectable()
export class Concurrency implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly uses = new Map<string, Use>();
  private readonly telling = new Periodic(TELL_MS, () => this.tellAll());
  private readonly me = randomUUID();

  constructor(
    @Inject(REDIS) private readonly redis: RedisClient,
    private readonly principals: Principals,
  ) {
    defineConcurrencyScript(redis);
  }

  onApplicationBootstrap(): void {
    this.telling.wake();
  }

  /** By then all streams have ended. */
  async onApplicationShutdown(): Promise<void> {
    await this.telling.stop();
    await this.tellAll();
  }

  /**
   * Counts one more of the caller's tenant until the response is over. Throws `too_many_streams` and `too_many_requests_in_flight` beyond
   * the limit, and `service_unavailable` without Redis.
   */
  async take(kind: Lasting, response: ServerResponse): Promise<void> {
    const caller = currentCaller();
    const limit = this.principals.limitsOf(caller)[kind] ?? Infinity;
    const use = this.useOf(kind, caller.tenant_id);
    use.limit = limit;
    if (limit === Infinity) use.held += 1;
    else if (!(await this.ask(use))) throw tooMany(kind, limit);
    whenClosed(response, () => this.leave(use));
  }

  /** How many of the kind the tenant has at all gateways. */
  async inUse(kind: Lasting, tenantId: string): Promise<number> {
    const use = this.useOf(kind, tenantId);
    await this.hold(use, 0);
    return use.held + use.others;
  }

  private leave(use: Use): void {
    use.held -= 1;
    if (use.limit !== Infinity && !use.isAsking) void this.tell(use);
  }

  /** However many ask at once: one question is under way, and names all who want a place. */
  private ask(use: Use): Promise<boolean> {
    const answer = new Promise<boolean>((resolve, reject) => use.wanting.push({ resolve, reject }));
    if (!use.isAsking) void this.askForAll(use);
    return answer;
  }

  private async askForAll(use: Use): Promise<void> {
    use.isAsking = true;
    while (use.wanting.length > 0) {
      const wanting = use.wanting.splice(0);
      await this.hold(use, wanting.length).then(
        (given) => wanting.forEach(({ resolve }, index) => resolve(index < given)),
        () => wanting.forEach(({ reject }) => reject(unavailable())),
      );
    }
    use.isAsking = false;
  }

  /** Renews the lease. Resolves to how many of the wanted places are given. */
  private async hold(use: Use, wanted: number): Promise<number> {
    const limit = Math.min(use.limit, Number.MAX_SAFE_INTEGER);
    const [given, others] = await this.redis.holdPlaces(use.key, this.me, use.held, wanted, limit, LEASE_MS);
    use.held += given;
    use.others = others;
    return given;
  }

  private async tellAll(): Promise<void> {
    const silent = [...this.uses.values()].filter(({ isAsking }) => !isAsking);
    await Promise.all(silent.map((use) => this.tell(use)));
  }

  /** A lease that cannot be renewed now is renewed later. */
  private async tell(use: Use): Promise<void> {
    const isOver = use.held === 0;
    await this.hold(use, 0).catch((error: unknown) => log.debug({ err: error }, 'a lease was not renewed'));
    if (isOver && use.held === 0 && !use.isAsking) this.uses.delete(use.key);
  }

  private useOf(kind: Lasting, tenantId: string): Use {
    const key = keys.concurrency(tenantId, kind);
    const use = this.uses.get(key) ?? { key, held: 0, others: 0, limit: Infinity, wanting: [], isAsking: false };
    this.uses.set(key, use);
    return use;
  }
}

const tooMany = (kind: Lasting, limit: number) =>
  new ProblemError(words[kind].code, `The tenant may have ${limit} ${words[kind].what} at once (${kind}).`, {
    retry_after: 1,
  });

const unavailable = () => new ProblemError('service_unavailable', undefined, { retry_after: 1 });
