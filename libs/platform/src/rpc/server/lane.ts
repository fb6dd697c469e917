import { setTimeout as sleep } from 'node:timers/promises';
import { FairShare, type Waiter } from '@taai/tenant';
import { keys, type Lane as LaneName } from '../../redis/keys';
import { createRedis } from '../../redis/redis';
import type { Link } from '../wire/link';
import { ListReader } from '../wire/lists';

/** Requests of one read: so few that replicas which wait share them. */
const MAX_READ = 16;
/** The same while more than that wait: every replica has enough to do, and large reads cost less. */
const MAX_CROWDED_READ = 32;
/** What a replica that has no place takes of what others leave lying, and how often it looks. */
const MAX_LEFT_READ = 256;
const LOOK_MS = 5;
/** Requests that may wait for a place. */
const MAX_WAITING = 1500;

export interface LaneOptions {
  service: string;
  name: LaneName;
  redisUrl: string;
  /** How many requests may be worked on at once. */
  slots: number;
  /** Takes a request in; must not throw. */
  serve: (element: string, lane: Lane) => void;
}

/**
 * Consumes one of a service's two queues for one replica. The list is a way and no place to wait: requests wait here for their turn,
 * each behind its own tenant's alone. A replica without a free place leaves the list to others, as long as they take what comes.
 */
export class Lane {
  readonly list: string;
  private readonly reader: ListReader;
  private readonly share: FairShare;
  private crowded = false;
  private pausedUntil = 0;
  private onFree: (() => void) | undefined;

  constructor(private readonly options: LaneOptions) {
    const { service, name, redisUrl, slots } = options;
    this.share = new FairShare({ places: slots, queue: MAX_WAITING });
    this.list = keys.rpcRequests(service, name);
    this.reader = new ListReader({
      redis: createRedis(redisUrl, { role: 'blocking', connectionName: `${service}:${name}`, watched: true }),
      list: this.list,
      room: () => this.room(),
      take: (elements) => this.take(elements),
    });
  }

  start(): void {
    this.reader.start();
  }

  /** Stops reading. When it resolves, what the last read brought is being worked on, or waits for its turn. */
  async stop(link: Link): Promise<void> {
    await this.reader.stop(link);
  }

  /** Has the request begun when it is its turn, or refused. */
  enter(request: Waiter): void {
    this.share.enter(request);
  }

  /** Whether the request has neither begun nor been refused. */
  isWaiting(request: Waiter): boolean {
    return this.share.isWaiting(request);
  }

  /** Takes a request out that does not matter any more. Returns false for one that has begun. */
  withdraw(request: Waiter): boolean {
    return this.share.withdraw(request);
  }

  /** Frees the place of a request of this tenant. */
  leave(tenant: string): void {
    this.share.leave(tenant);
    if (!this.isFull) this.onFree?.();
  }

  /** Leaves the list to other replicas for so many milliseconds. */
  pause(ms: number): void {
    this.pausedUntil = performance.now() + ms;
  }

  /** Whether what is read now would wait. */
  private get isFull(): boolean {
    return this.share.unused === 0 || this.share.waiting > 0;
  }

  private room(): number | Promise<number> {
    const pause = this.pausedUntil - performance.now();
    if (pause > 0) return sleep(pause).then(() => this.room());
    return this.isFull ? this.aMoment().then(() => this.count()) : this.count();
  }

  private count(): number {
    if (this.isFull) return -MAX_LEFT_READ;
    return Math.min(this.share.unused, this.crowded ? MAX_CROWDED_READ : MAX_READ);
  }

  /** Resolves when there is a place again, but after some milliseconds at the latest. */
  private async aMoment(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LOOK_MS);
    this.onFree = resolve;
    await promise;
    clearTimeout(timer);
  }

  private take(elements: string[]): void {
    this.crowded = elements.length >= MAX_READ;
    for (const element of elements) this.options.serve(element, this);
  }
}
