import { ProblemError } from '@taai/contracts';
import { parseOutputId, type Control } from '../wire/envelope';
import type { AttentiveClock } from '../../attentive-clock';
import { CallsInFlight, PeriodicCheck, type Observation, type Observe } from '../wire/in-flight';
import type { ReceiveWindow } from './receive-window';
import {
  ACCEPT_MS,
  isRepeatable,
  overloaded,
  replicaLost,
  streamBroken,
  tooLate,
  unavailable,
  type PendingCall,
} from './pending-call';

/** A replica that is silent for so long is gone. Every frame of it is a sign of life. */
const SILENCE_MS = 3000;
/** A call that its replica, which is heard, names no more for so long: its reply was lost on the way. */
const UNNAMED_MS = 4000;
const CHECK_MS = 50;
/** How long a reply may come after the deadline, and Redis may take to say whether the call still stood in the list. */
const LAST_LOOK_MS = 30;
const MAX_ATTEMPTS = 3;
/** How often a grant is repeated: it shows that the reader is there, and makes up for a grant that was lost. */
const CREDIT_MS = 1000;
/** How long an output may come after its successors: longer than a replica tries to send it. */
const REORDERING_MS = 5000;

export interface PendingLimits {
  calls: number;
  /** UTF-16 units of all bodies together. */
  characters: number;
}

export interface PendingOptions {
  limits: PendingLimits;
  /** Whether replies could be heard now. */
  isListening: () => boolean;
  send: (call: PendingCall) => void;
  /** Takes a call out of the list of its service. Resolves to whether no replica can have got it. */
  withdraw: (call: PendingCall) => Promise<boolean>;
  /** Sends a replica a grant or a cancellation. */
  control: (replica: string, control: Control) => void;
  observe?: Observe | undefined;
}

/** Holds the calls of a process that wait for their replies. Each ends with a reply or, by its deadline, with a ProblemError. */
export class PendingCalls {
  private readonly calls = new CallsInFlight<PendingCall>();
  private opened = 0;
  private characters = 0;
  /** When each replica was last heard of, by the check's clock. */
  private readonly replicas = new Map<string, number>();
  private readonly periodicCheck: PeriodicCheck;

  constructor(private readonly options: PendingOptions) {
    const { isListening } = options;
    this.periodicCheck = new PeriodicCheck({ ms: CHECK_MS, isListening, look: (now) => this.checkAll(now) });
  }

  /** Sends the call. Throws `overloaded` when too many are pending. */
  open(call: PendingCall): void {
    const { limits, send } = this.options;
    const characters = this.characters + call.body.length;
    if (this.calls.size >= limits.calls || (characters > limits.characters && this.calls.size > 0)) throw overloaded();
    this.characters = characters;
    call.slot = this.calls.add(call);
    call.head.id = `${call.slot}.${++this.opened}`;
    call.heardAt = this.clock.now;
    this.periodicCheck.start();
    send(call);
  }

  answer(id: string, json: string): void {
    const call = this.find(id);
    if (!call) return;
    this.close(call, 'ok');
    call.resolve(json);
  }

  /** Takes one output of a stream in. */
  output(outputId: string, json: string): void {
    const { id, number } = parseOutputId(outputId);
    const call = this.find(id);
    if (!call?.outputs) return;
    call.heardAt = this.clock.now;
    call.outputs.accept(number, json);
    this.advance(call, call.outputs);
  }

  /** Notes that a stream ends with this output. */
  end(outputId: string): void {
    const { id, number } = parseOutputId(outputId);
    const call = this.find(id);
    if (!call?.outputs) return;
    call.outputs.end(number);
    this.advance(call, call.outputs);
  }

  /** Fails the call as the replica says. */
  problem(id: string, problem: ProblemError): void {
    const call = this.find(id);
    if (call) this.fail(call, problem);
  }

  /** Repeats or fails a call whose replica left without having finished. */
  lost(id: string): void {
    const call = this.find(id);
    if (call) this.repeat(call);
  }

  /** Notes that a replica lives, and holds these calls: none in the heading of each of its frames. One that nobody waits for is cancelled. */
  heartbeat(replica: string, ids: readonly string[]): void {
    this.replicas.set(replica, this.clock.now);
    for (const id of ids) {
      const call = this.find(id);
      if (call && mayWork(replica, call)) this.accepted(call, replica);
      else this.options.control(replica, { id });
    }
  }

  /** Tells the stream's replica up to which output it may send. */
  grant(call: PendingCall): void {
    const { head, outputs, replica, settled } = call;
    if (settled || !outputs || replica === undefined) return;
    call.grantedAt = performance.now();
    this.options.control(replica, { id: head.id, credit: outputs.credit });
  }

  /** Ends the call without a result. It is taken out of the list, or its replica is told: now, or when a heartbeat names the call. */
  abandon(call: PendingCall): void {
    if (call.settled) return;
    this.close(call);
    this.cancel(call);
    if (call.replica === undefined) void this.options.withdraw(call);
  }

  fail(call: PendingCall, problem: ProblemError): void {
    if (call.settled) return;
    this.close(call, problem.code);
    call.reject(problem);
  }

  /** Ends the call with the signal's reason when the signal is aborted. */
  abortOn(signal: AbortSignal, call: PendingCall): void {
    const abort = () => {
      if (call.settled) return;
      this.abandon(call);
      call.reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    call.onClose = () => signal.removeEventListener('abort', abort);
  }

  /** Waits until nothing is pending, `ms` at most, and fails the rest. */
  async drain(ms: number): Promise<void> {
    await this.calls.drained(ms);
    const waiting = Array.from(this.calls).filter(({ replica }) => replica === undefined);
    await Promise.all(waiting.map((call) => this.takeBack(call)));
    for (const call of this.calls) this.giveUp(call, tooLate(call));
  }

  private get clock(): AttentiveClock {
    return this.periodicCheck.clock;
  }

  private accepted(call: PendingCall, replica: string): void {
    call.accepted = true;
    call.heardAt = this.clock.now;
    call.replica = replica;
    if (call.grantedAt === 0) this.grant(call);
  }

  private advance(call: PendingCall, { complete, missing }: ReceiveWindow): void {
    if (missing !== call.missing) {
      call.missing = missing;
      call.missingSince = this.clock.now;
    }
    if (!complete) return;
    this.close(call, 'ok');
    call.resolve('null');
  }

  private giveUp(call: PendingCall, problem: ProblemError): void {
    this.fail(call, problem);
    this.cancel(call);
  }

  private cancel({ head: { id }, replica }: PendingCall): void {
    if (replica !== undefined) this.options.control(replica, { id });
  }

  private close(call: PendingCall, code?: Observation['code']): void {
    call.settled = true;
    this.calls.remove(call.slot);
    this.characters -= call.body.length;
    if (code) this.options.observe?.({ rpc: call.bound.rpc, ms: performance.now() - call.started, code });
    call.onClose?.();
  }

  private find(id: string): PendingCall | undefined {
    const call = this.calls.get(Number.parseInt(id, 10));
    return call?.head.id === id ? call : undefined;
  }

  private checkAll(now: number): boolean {
    for (const [replica, heardAt] of this.replicas)
      if (this.clock.silence(heardAt) > SILENCE_MS) this.replicas.delete(replica);
    for (const call of this.calls) this.check(call, now);
    return this.calls.size > 0;
  }

  private check(call: PendingCall, now: number): void {
    if (now >= call.deadline) this.overdue(call, now);
    else if (call.replica === undefined) this.checkWaiting(call, now);
    else if (!this.replicas.has(call.replica) || this.clock.silence(call.heardAt) > UNNAMED_MS) this.repeat(call);
    else if (call.outputs) this.checkStream(call, now);
  }

  /** A call may take long, but is taken up soon or not at all. */
  private checkWaiting(call: PendingCall, now: number): void {
    if (this.clock.silence(call.heardAt) > ACCEPT_MS) this.expire(call);
    else if (this.mayRepeat(call) && now >= call.halfTime) {
      call.repeated = true;
      this.options.send(call);
    }
  }

  private checkStream(call: PendingCall, now: number): void {
    if (call.missing !== undefined && this.clock.silence(call.missingSince) > REORDERING_MS)
      this.giveUp(call, streamBroken());
    else if (now - call.grantedAt >= CREDIT_MS) this.grant(call);
  }

  /** Looks once more before it ends a call: its reply may have come while this process was late itself. */
  private overdue(call: PendingCall, now: number): void {
    if (call.expired && now >= call.deadline + LAST_LOOK_MS) this.giveUp(call, tooLate(call));
    else if (call.replica === undefined) this.expire(call);
    else call.expired = true;
  }

  /** Ends a call that no replica has named. A stream of that kind has not begun. */
  private expire(call: PendingCall): void {
    if (call.outputs) this.fail(call, unavailable());
    if (!call.expired) void this.takeBack(call);
    call.expired = true;
  }

  /** Takes the call out of the list. It was not executed if it still stood there. */
  private async takeBack(call: PendingCall): Promise<void> {
    const isWithdrawn = await this.options.withdraw(call);
    if (call.replica === undefined) this.fail(call, isWithdrawn ? unavailable() : tooLate(call));
  }

  private mayRepeat(call: PendingCall): boolean {
    return !call.repeated && !call.accepted && (call.bound.method.effect === 'safe' || call.outputs !== undefined);
  }

  /** Gives a call whose replica is lost to another one, if that does no harm. */
  private repeat(call: PendingCall): void {
    if (!isRepeatable(call) || call.attempts >= MAX_ATTEMPTS) return this.fail(call, replicaLost(call));
    call.attempts++;
    call.replica = undefined;
    this.options.send(call);
  }
}

/** A stream keeps to one replica; copies of its request may have reached others. */
const mayWork = (replica: string, call: PendingCall): boolean =>
  !call.outputs || call.replica === undefined || call.replica === replica;
