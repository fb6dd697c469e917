import { setTimeout as sleep } from 'node:timers/promises';
import type { ProblemCode } from '@taai/contracts';

/** Counts what is in flight, and tells when nothing is. */
export class InFlight {
  private count = 0;
  private waiting: (() => void)[] = [];

  get size(): number {
    return this.count;
  }

  begin(): void {
    this.count++;
  }

  end(count = 1): void {
    this.count -= count;
    if (this.count > 0) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Resolves when nothing is in flight, but after `ms` at the latest. */
  async drained(ms: number): Promise<void> {
    if (this.count === 0) return;
    const patience = new AbortController();
    const none = new Promise<void>((resolve) => this.waiting.push(resolve));
    await Promise.race([none, sleep(ms, undefined, patience).catch(() => undefined)]);
    patience.abort();
  }
}

/**
 * Stores the calls in flight under small numbers, which are used again. A Map would read better, but a Map that short-lived items pass
 * through is rebuilt all the time, and each dead table in V8's old generation keeps its successor and the items in it alive:
 * collecting them took about a tenth of a call's CPU time.
 */
export class CallsInFlight<T> {
  private readonly calls: (T | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly inFlight = new InFlight();

  get size(): number {
    return this.inFlight.size;
  }

  /** Returns the call's number. */
  add(call: T): number {
    this.inFlight.begin();
    const slot = this.free.pop() ?? this.calls.length;
    this.calls[slot] = call;
    return slot;
  }

  get(slot: number): T | undefined {
    return this.calls[slot];
  }

  remove(slot: number): void {
    this.calls[slot] = undefined;
    this.free.push(slot);
    this.inFlight.end();
  }

  /** Resolves when no call is in flight, but after `ms` at the latest. */
  drained(ms: number): Promise<void> {
    return this.inFlight.drained(ms);
  }

  *[Symbol.iterator](): Generator<T> {
    for (const call of this.calls) if (call !== undefined) yield call;
  }
}

/** A check that comes so much too late proves that this process stood still, and says nothing about other ones. */
const STALL_MS = 500;

/** Runs a check at an interval, while there is something to check. */
export class PeriodicCheck {
  private timer: NodeJS.Timeout | undefined;
  private checkedAt = 0;
  private stalledUntil = 0;

  constructor(
    private readonly ms: number,
    /** Is given since when this process has run without standing still (`performance.now()`). Returns false when nothing is left to check. */
    private readonly look: (now: number, runningSince: number) => boolean,
  ) {}

  /** Begins to check, if it does not yet. */
  start(): void {
    if (this.timer) return;
    this.checkedAt = performance.now();
    this.timer = setInterval(() => this.check(), this.ms);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private check(): void {
    const now = performance.now();
    if (now - this.checkedAt > STALL_MS) this.stalledUntil = now;
    this.checkedAt = now;
    if (!this.look(now, this.stalledUntil)) this.stop();
  }
}

/** One call that ended, as its caller or the replica saw it. */
export interface Observation {
  rpc: string;
  ms: number;
  code: 'ok' | ProblemCode;
}

export type Observe = (call: Observation) => void;
