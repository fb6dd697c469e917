import { setTimeout as sleep } from 'node:timers/promises';
import type { ProblemCode } from '@taai/contracts';
import { AttentiveClock } from '../../attentive-clock';

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

/** How many intervals one turn of a check counts at most. */
const TURN_INTERVALS = 2;

export interface PeriodicCheckOptions {
  ms: number;
  isListening?: () => boolean;
  /** Returns false when nothing is left to check. */
  look: (now: number) => boolean;
}

/** Looks at an interval whether others are silent, while there is something to check. */
export class PeriodicCheck {
  readonly clock: AttentiveClock;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PeriodicCheckOptions) {
    this.clock = new AttentiveClock({ ...options, turn_ms: TURN_INTERVALS * options.ms });
  }

  /** Begins to check, if it does not yet. */
  start(): void {
    this.timer ??= setInterval(() => this.check(), this.options.ms);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private check(): void {
    this.clock.tick();
    if (!this.options.look(performance.now())) this.stop();
  }
}

/** One call that ended, as its caller or the replica saw it. */
export interface Observation {
  rpc: string;
  ms: number;
  code: 'ok' | ProblemCode;
}

export type Observe = (call: Observation) => void;
