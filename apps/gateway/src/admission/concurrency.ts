import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ProblemError, type ProblemCode, type TenantLimits } from '@taai/contracts';
import { keys, log, Periodic, REDIS, type RedisClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { Principals } from '../access/principals';
import { defineConcurrencyScript } from './concurrency.script';
import { whenClosed } from './when-closed';
import { withinMs } from './within-ms';

/** What lasts, by the name of its limit. */
export type Lasting = keyof Pick<TenantLimits, 'door_calls' | 'open_streams' | 'sse_readers'>;

/** What lasts and belongs to no plan, by what is said of it. */
export type Shared = keyof typeof shared;

const shared = { link_streams: 'streams of one link', tenant_link_streams: 'streams of links of one tenant' };

const words: Record<Lasting, { code: ProblemCode; what: string }> = {
  door_calls: { code: 'too_many_requests_in_flight', what: 'calls of models' },
  open_streams: { code: 'too_many_streams', what: 'open streams' },
  sse_readers: { code: 'too_many_streams', what: 'readers of events' },
};

const TELL_MS = 1000;
/** After so long the places of a process that died are free again. */
const LEASE_MS = 4000;
/** Who cannot be asked by then counts as gone. */
const ANSWER_MS = 100;

/** What one tenant has of one kind. */
interface Use {
  readonly key: string;
  /** By this process. */
  held: number;
  /** Places that this process may give without asking. */
  spare: number;
  /** By all others, as far as we have heard. */
  others: number;
  limit: number;
  /** Each is told whether it has a place. */
  readonly wanting: ((isGiven: boolean) => void)[];
  isAsking: boolean;
}

/**
 * Counts what lasts (calls of models, streams, readers) per tenant over all gateways, up to the plan's limits. Each process leases its
 * places in Redis, and some in advance while many are free, so that it need not ask each time. It renews the leases by the clock: those of
 * a process that died come back within 4 s. Without Redis each process counts by itself.
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
   * the limit.
   */
  async take(kind: Lasting, response: ServerResponse): Promise<void> {
    whenClosed(response, await this.place(kind));
  }

  /** The same, until the function that is returned is called. */
  async place(kind: Lasting): Promise<() => void> {
    const caller = currentCaller();
    const limit = this.principals.limitsOf(caller)[kind] ?? Infinity;
    return this.placeIn(this.useOf(keys.concurrency(caller.tenant_id, kind)), limit, () => tooMany(kind, limit));
  }

  /** Counts one more of what belongs to `owner`, until the response is over. Throws `too_many_streams` beyond the limit. */
  async takeShared(kind: Shared, owner: string, limit: number, response: ServerResponse): Promise<void> {
    const refusal = () =>
      new ProblemError('too_many_streams', `There may be ${limit} ${shared[kind]} at once.`, { retry_after: 5 });
    whenClosed(response, await this.placeIn(this.useOf(keys.concurrency(owner, kind)), limit, refusal));
  }

  /** How many of the kind the tenant has at all gateways. */
  async inUse(kind: Lasting, tenantId: string): Promise<number> {
    const use = this.useOf(keys.concurrency(tenantId, kind));
    await this.tell(use);
    return use.held + use.others;
  }

  private async placeIn(use: Use, limit: number, refusal: () => ProblemError): Promise<() => void> {
    use.limit = limit;
    if (!takeSpare(use) && !(await this.ask(use))) throw refusal();
    return () => this.leave(use);
  }

  /** Where places are scarce, others hear of it at once. */
  private leave(use: Use): void {
    use.held -= 1;
    if (use.spare === 0 && use.limit !== Infinity) void this.tell(use);
  }

  private ask(use: Use): Promise<boolean> {
    const answer = new Promise<boolean>((resolve) => use.wanting.push(resolve));
    void this.tell(use);
    return answer;
  }

  private async tellAll(): Promise<void> {
    await Promise.all([...this.uses.values()].map((use) => this.tell(use)));
  }

  /** Renews the lease, and asks for those who want a place. However many want one at once: one question is under way, and names them all. */
  private async tell(use: Use): Promise<void> {
    if (use.isAsking) return;
    use.isAsking = true;
    do {
      const wanting = use.wanting.splice(0);
      const given = await this.hold(use, wanting.length);
      wanting.forEach((answer, index) => answer(index < given));
    } while (use.wanting.length > 0);
    use.isAsking = false;
    if (use.held === 0) this.uses.delete(use.key);
  }

  /** Resolves to how many of the wanted places are given. Meanwhile nothing is spare. */
  private async hold(use: Use, wanted: number): Promise<number> {
    use.spare = 0;
    const [given, spare, others] = await this.lease(use, wanted).catch((error: unknown) => {
      log.debug({ err: error }, 'places are counted without Redis');
      return [Math.max(0, Math.min(wanted, use.limit - use.held)), 0, use.others] as const;
    });
    Object.assign(use, { held: use.held + given, spare, others });
    return given;
  }

  private lease({ key, held, limit }: Use, wanted: number): Promise<[number, number, number]> {
    const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
    return withinMs(this.redis.holdPlaces(key, this.me, held, wanted, most, LEASE_MS), ANSWER_MS);
  }

  private useOf(key: string): Use {
    const known = this.uses.get(key);
    if (known) return known;
    const use: Use = { key, held: 0, spare: 0, others: 0, limit: Infinity, wanting: [], isAsking: false };
    this.uses.set(key, use);
    return use;
  }
}

/** Where there is no limit everything is spare. */
function takeSpare(use: Use): boolean {
  if (use.limit !== Infinity && use.spare === 0) return false;
  use.spare = Math.max(0, use.spare - 1);
  use.held += 1;
  return true;
}

const tooMany = (kind: Lasting, limit: number) =>
  new ProblemError(words[kind].code, `The tenant may have ${limit} ${words[kind].what} at once (${kind}).`, {
    retry_after: 1,
  });
