import { ProblemError, type BoundMethod } from '@taai/contracts';
import type { RequestHead } from './envelope';
import type { Observation, Observe } from './observation';
import { Outstanding } from './outstanding';
import { Slots } from './slots';

/** A replica that reports nothing for so long is gone. */
const SILENCE_MS = 3000;
const SWEEP_MS = 50;
/** A sweep that comes so much too late proves that this process stood still, and says nothing about replicas. */
const STALL_MS = 500;
const MAX_ATTEMPTS = 3;

/** A call that has neither been answered nor failed. Times are those of `performance.now()`. */
export class PendingCall {
  slot = -1;
  settled = false;
  /** How often it was given to a replica. */
  attempts = 1;
  /** Whether it was pushed a second time because no replica reported it. */
  repeated = false;
  /** Whether any replica ever reported working on it. */
  held = false;
  /** When the replica that works on it was last heard of. */
  heardAt: number | undefined = undefined;
  onClose: (() => void) | undefined = undefined;

  constructor(
    readonly bound: BoundMethod,
    /** Gets its id when the call is opened, and its deadline, in Redis' time, when it is sent. */
    readonly head: RequestHead,
    /** JSON. */
    readonly body: string,
    readonly started: number,
    readonly deadline: number,
    readonly resolve: (json: string) => void,
    readonly reject: (reason: unknown) => void,
  ) {}
}

export interface PendingLimits {
  calls: number;
  /** UTF-16 units of all bodies together. */
  characters: number;
}

export interface PendingOptions {
  limits: PendingLimits;
  /** Since when replies have been received without a gap. */
  listeningSince: () => number;
  send: (call: PendingCall) => void;
  observe?: Observe | undefined;
}

export const overloaded = () => new ProblemError('overloaded', undefined, { retry_after: 1 });
export const unavailable = () => new ProblemError('service_unavailable', undefined, { retry_after: 2 });
const replicaLost = () => new ProblemError('replica_lost', undefined, { retry_after: 1 });

/** Whether the method may be executed a second time without a second effect. */
export const isRepeatable = ({ bound, head }: PendingCall): boolean =>
  bound.method.effect !== 'once' || head.idempotency_key !== undefined;

/** The calls of a process that wait for their replies: each ends with a reply or, by its deadline, with a typed failure. */
export class PendingCalls {
  private readonly calls = new Slots<PendingCall>();
  private opened = 0;
  private readonly outstanding = new Outstanding();
  private characters = 0;
  private timer: NodeJS.Timeout | undefined;
  private swept = 0;
  private stalledUntil = 0;

  constructor(private readonly options: PendingOptions) {}

  /** Sends the call. Throws `overloaded` when too many are pending. */
  open(call: PendingCall): void {
    const { limits, send } = this.options;
    const characters = this.characters + call.body.length;
    if (this.calls.size >= limits.calls || (characters > limits.characters && this.calls.size > 0)) throw overloaded();
    this.characters = characters;
    call.slot = this.calls.add(call);
    call.head.id = `${call.slot}.${++this.opened}`;
    this.outstanding.begin();
    this.watch();
    send(call);
  }

  answer(id: string, json: string): void {
    const call = this.find(id);
    if (!call) return;
    this.close(call, 'ok');
    call.resolve(json);
  }

  /** The replica failed the call. */
  problem(id: string, problem: ProblemError): void {
    const call = this.find(id);
    if (call) this.fail(call, problem);
  }

  /** The replica left without having finished. */
  lost(id: string): void {
    const call = this.find(id);
    if (call) this.repeat(call);
  }

  /** A replica works on these calls. */
  heard(ids: readonly string[]): void {
    const now = performance.now();
    for (const id of ids) {
      const call = this.find(id);
      if (!call) continue;
      call.held = true;
      call.heardAt = now;
    }
  }

  fail(call: PendingCall, problem: ProblemError): void {
    if (call.settled) return;
    this.close(call, problem.code);
    call.reject(problem);
  }

  /** Ends the call with the signal's reason when the caller loses interest. */
  abortOn(signal: AbortSignal, call: PendingCall): void {
    const abort = () => {
      if (call.settled) return;
      this.close(call);
      call.reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    call.onClose = () => signal.removeEventListener('abort', abort);
  }

  /** Waits until nothing is pending, `ms` at most, and fails the rest. */
  async drain(ms: number): Promise<void> {
    await this.outstanding.none(ms);
    for (const call of this.calls) this.fail(call, unavailable());
  }

  private close(call: PendingCall, code?: Observation['code']): void {
    call.settled = true;
    this.calls.remove(call.slot);
    this.characters -= call.body.length;
    if (code) this.options.observe?.({ rpc: call.bound.rpc, ms: performance.now() - call.started, code });
    this.outstanding.end();
    call.onClose?.();
  }

  private find(id: string): PendingCall | undefined {
    const call = this.calls.get(Number.parseInt(id, 10));
    return call?.head.id === id ? call : undefined;
  }

  private watch(): void {
    if (this.timer) return;
    this.swept = performance.now();
    this.timer = setInterval(() => this.sweep(), SWEEP_MS);
  }

  private sweep(): void {
    if (this.calls.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const now = performance.now();
    if (now - this.swept > STALL_MS) this.stalledUntil = now;
    this.swept = now;
    const evidence = Math.max(this.stalledUntil, this.options.listeningSince());
    for (const call of this.calls) this.check(call, now, evidence);
  }

  private check(call: PendingCall, now: number, evidence: number): void {
    if (now >= call.deadline) this.fail(call, call.held ? new ProblemError('deadline_exceeded') : unavailable());
    else if (call.heardAt !== undefined) {
      if (now - Math.max(call.heardAt, evidence) > SILENCE_MS) this.repeat(call);
    } else if (this.mayRepeat(call) && now >= (call.started + call.deadline) / 2) {
      call.repeated = true;
      this.options.send(call);
    }
  }

  private mayRepeat(call: PendingCall): boolean {
    return !call.repeated && !call.held && call.bound.method.effect === 'safe';
  }

  /** Gives a call whose replica is lost to another one, if that does no harm. */
  private repeat(call: PendingCall): void {
    if (!isRepeatable(call) || call.attempts >= MAX_ATTEMPTS) return this.fail(call, replicaLost());
    call.attempts++;
    call.heardAt = undefined;
    this.options.send(call);
  }
}
