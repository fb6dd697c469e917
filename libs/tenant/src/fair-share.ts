import { ProblemError } from '@taai/contracts';

/** Stands for the tenant of work that no tenant asked for: together it is one of them. */
export const NO_TENANT = '';

/** Who waits for a place. One of its functions is called, and once, unless it withdraws before. */
export interface Waiter {
  /** Whom the place is for: a tenant's id, or `NO_TENANT`. */
  readonly tenant: string;
  /** Until when a place is of use, in `performance.now()`. */
  readonly deadline: number;
  /** Told that it has a place, which it gives back by `leave`. */
  begin(): void;
  /** Told that no place comes in time: `overloaded`, with seconds to wait. It never had one. */
  refuse(problem: ProblemError): void;
}

export interface FairShareOptions {
  /** How many may have a place at once. */
  places: number;
  /** How many may wait. */
  queue: number;
}

/** What one tenant has of the places and of the queue. */
interface Share {
  held: number;
  /** In the order of their arrival. */
  readonly waiting: Set<Waiter>;
}

const CHECK_MS = 50;
/** Starts that the measured interval remembers, and that it takes to be believed. */
const MEMORY = 64;
const ENOUGH = 8;
const MAX_RETRY_AFTER = 60;

/**
 * Whether a tenant may have one more of what is shared: at most twice as much as is left free behind it, so that one that is alone has
 * two thirds, and one that has nothing finds a place even while all others' work goes on for minutes.
 */
const mayHaveMore = (own: number, free: number): boolean => (own === 0 ? free > 0 : own + 1 <= 2 * (free - 1));

/**
 * A bounded number of places that tenants share by turns. What has no place waits in its tenant's own queue, and a place that becomes
 * free goes to the tenant whose turn it is, however much the others have queued. Who would not have a place by its deadline, as far as
 * can be told from the places given lately, is refused at once.
 */
export class FairShare {
  private free: number;
  private room: number;
  private readonly shares = new Map<string, Share>();
  /** Tenants that wait, whose turn it is first. */
  private readonly turns = new Map<string, Share>();
  private readonly pace = new Pace();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: FairShareOptions) {
    this.free = options.places;
    this.room = options.queue;
  }

  /** How many wait. */
  get waiting(): number {
    return this.options.queue - this.room;
  }

  /** How many places nobody has. */
  get unused(): number {
    return this.free;
  }

  /** Gives a place at once, or a place in the queue, or a refusal. */
  enter(waiter: Waiter): void {
    if (this.tryEnter(waiter.tenant)) waiter.begin();
    else this.queue(waiter);
  }

  /** Takes a place, which `leave` gives back, if there is one now. */
  tryEnter(tenant: string): boolean {
    const share = this.shareOf(tenant);
    if (!mayHaveMore(share.held, this.free)) return false;
    this.take(share);
    return true;
  }

  /** Takes a place, which `leave` gives back, even if there is none: for what has begun already. */
  hold(tenant: string): void {
    this.take(this.shareOf(tenant));
  }

  /** The tenants that may not have one more place now. */
  full(): string[] {
    return Array.from(this.shares)
      .filter(([, { held }]) => held > 0 && !mayHaveMore(held, this.free))
      .map(([tenant]) => tenant);
  }

  /** Resolves when the tenant has a place, which `leave` gives back. Throws `overloaded`. */
  place(tenant: string, deadline = Infinity): Promise<void> {
    return new Promise((begin, refuse) => this.enter({ tenant, deadline, begin, refuse }));
  }

  /** Gives a place back. */
  leave(tenant: string): void {
    this.shareOf(tenant).held--;
    this.free++;
    while (this.turns.size > 0 && this.admit());
  }

  isWaiting(waiter: Waiter): boolean {
    return this.shares.get(waiter.tenant)?.waiting.has(waiter) === true;
  }

  /** Takes a waiter out of the queue, which is told nothing any more. Returns false for one that does not wait. */
  withdraw(waiter: Waiter): boolean {
    const share = this.shares.get(waiter.tenant);
    if (!share?.waiting.delete(waiter)) return false;
    this.room++;
    if (share.waiting.size === 0) this.turns.delete(waiter.tenant);
    return true;
  }

  private take(share: Share): void {
    share.held++;
    this.free--;
  }

  private queue(waiter: Waiter): void {
    const share = this.shareOf(waiter.tenant);
    const now = performance.now();
    if (this.turns.size === 0) this.pace.begin(now);
    const wait = this.pace.wait(this.position(share), now);
    const isFull = !mayHaveMore(share.waiting.size, this.room);
    if (isFull || now + wait >= waiter.deadline) return waiter.refuse(overloaded(wait));
    this.room--;
    share.waiting.add(waiter);
    this.turns.set(waiter.tenant, share);
    this.timer ??= setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Gives a place to the tenant whose turn it is, and returns false if none may have one. Who has its share keeps its turn. */
  private admit(): boolean {
    for (const [tenant, share] of this.turns) {
      const [waiter] = share.waiting;
      if (!waiter || !mayHaveMore(share.held, this.free)) continue;
      this.withdraw(waiter);
      if (this.turns.delete(tenant)) this.turns.set(tenant, share);
      this.begin(waiter, share);
      return true;
    }
    return false;
  }

  private begin(waiter: Waiter, share: Share): void {
    const now = performance.now();
    this.pace.started(now);
    if (now >= waiter.deadline) return waiter.refuse(overloaded(0));
    this.take(share);
    waiter.begin();
  }

  /** At the latest how many starts it takes by turns until the next waiter of the share has its own. */
  private position({ waiting }: Share): number {
    const tenants = this.turns.size + (waiting.size === 0 ? 1 : 0);
    return Math.min(this.waiting + 1, (waiting.size + 1) * tenants);
  }

  /**
   * Refuses those whose time is over before the next check, and those whom the known pace leaves too late. Not those who have only
   * seen nothing start for a while: what holds everything up for a moment lets them in all the faster afterwards.
   */
  private check(): void {
    const now = performance.now();
    for (const { waiting } of this.turns.values()) {
      let position = 0;
      for (const waiter of waiting) {
        const wait = Math.max(CHECK_MS, this.pace.queued(++position * this.turns.size));
        if (now + wait < waiter.deadline) continue;
        position--;
        this.withdraw(waiter);
        waiter.refuse(overloaded(wait));
      }
    }
    if (this.turns.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private shareOf(tenant: string): Share {
    const known = this.shares.get(tenant);
    if (known) return known;
    const { places, queue } = this.options;
    if (this.shares.size >= 2 * (places + queue)) this.forgetIdle();
    const share: Share = { held: 0, waiting: new Set() };
    this.shares.set(tenant, share);
    return share;
  }

  /** Shares are kept beyond their use: a Map that each call passes through would be rebuilt all the time. */
  private forgetIdle(): void {
    for (const [tenant, { held, waiting }] of this.shares)
      if (held === 0 && waiting.size === 0) this.shares.delete(tenant);
  }
}

/** Measures how fast a queue moves, from when somebody waits until nobody does: the mean interval between its starts. Times in ms. */
class Pace {
  private starts = 0;
  private interval = 0;
  private lastStart = 0;

  /** Forgets what was, because a queue that was empty says nothing of the next one. */
  begin(now: number): void {
    this.starts = 0;
    this.interval = 0;
    this.lastStart = now;
  }

  started(now: number): void {
    this.starts = Math.min(this.starts + 1, MEMORY);
    this.interval += (now - this.lastStart - this.interval) / this.starts;
    this.lastStart = now;
  }

  /** How long the starts take up to that position, from 1 on; 0 while too few are known. */
  queued(position: number): number {
    return this.starts < ENOUGH ? 0 : this.interval * position;
  }

  /** How long a newcomer at that position is going to wait: as long as nothing has started by now, and for those before it. */
  wait(position: number, now: number): number {
    return Math.max(this.queued(position), now - this.lastStart);
  }
}

const overloaded = (wait_ms: number): ProblemError =>
  new ProblemError('overloaded', undefined, {
    retry_after: Math.min(Math.max(Math.ceil(wait_ms / 1000), 1), MAX_RETRY_AFTER),
  });
