import { setTimeout as sleep } from 'node:timers/promises';
import { keys, type Lane as LaneName } from '../../redis/keys';
import { createRedis } from '../../redis/redis';
import type { Link } from '../wire/link';
import { ListReader } from '../wire/lists';

/** Requests of one read: so few that replicas which wait share them. */
const MAX_READ = 16;
/** The same while more than that wait: every replica has enough to do, and large reads cost less. */
const MAX_CROWDED_READ = 32;

export interface LaneOptions {
  service: string;
  name: LaneName;
  redisUrl: string;
  /** How many requests may be worked on at once. */
  slots: number;
  /** Begins to work on a request; must not throw. */
  serve: (element: string, lane: Lane) => void;
}

/** Consumes one of a service's two queues for one replica, as many requests as it has free slots. */
export class Lane {
  readonly list: string;
  private readonly reader: ListReader;
  private free: number;
  private crowded = false;
  private pausedUntil = 0;
  private onFree: (() => void) | undefined;

  constructor(private readonly options: LaneOptions) {
    const { service, name, redisUrl, slots } = options;
    this.free = slots;
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

  /** Stops reading. When it resolves, what the last read brought is being worked on. */
  async stop(link: Link): Promise<void> {
    const stopped = this.reader.stop(link);
    this.onFree?.();
    await stopped;
  }

  /** Takes a slot for a request. */
  begin(): void {
    this.free--;
  }

  /** Frees a slot. */
  end(): void {
    this.free++;
    this.onFree?.();
  }

  /** Leaves the list to other replicas for so many milliseconds. */
  pause(ms: number): void {
    this.pausedUntil = performance.now() + ms;
  }

  private room(): number | Promise<number> {
    const pause = this.pausedUntil - performance.now();
    if (pause > 0) return sleep(pause).then(() => this.room());
    return this.free > 0
      ? this.count()
      : new Promise<void>((resolve) => (this.onFree = resolve)).then(() => this.count());
  }

  private count(): number {
    return Math.min(this.free, this.crowded ? MAX_CROWDED_READ : MAX_READ);
  }

  private take(elements: string[]): void {
    this.crowded = elements.length >= MAX_READ;
    for (const element of elements) this.options.serve(element, this);
  }
}
