import { ProblemError } from '@taai/contracts';
import { parseOutputId, type Control } from '../wire/envelope';
import { CallsInFlight, PeriodicCheck, type Observation, type Observe } from '../wire/in-flight';
import type { ReceiveWindow } from './receive-window';
import {
  idOf,
  isRepeatable,
  isCancellableId,
  overloaded,
  replicaLost,
  streamBroken,
  unavailable,
  type PendingCall,
} from './pending-call';

/** A replica without a heartbeat for so long is gone. */
const SILENCE_MS = 3000;
const CHECK_MS = 50;
const MAX_ATTEMPTS = 3;
/** How often a grant is repeated: it shows that the reader is there, and makes up for a grant that was lost. */
const CREDIT_MS = 1000;
/** How long an output may come after its successors. */
const REORDERING_MS = 1000;

export interface PendingLimits {
  calls: number;
  /** UTF-16 units of all bodies together. */
  characters: number;
}

export interface PendingOptions {
  limits: PendingLimits;
  /** Since when (`performance.now()`) replies have been received without a gap. */
  listeningSince: () => number;
  send: (call: PendingCall) => void;
  /** Sends a replica a grant or a cancellation. */
  control: (replica: string, control: Control) => void;
  observe?: Observe | undefined;
}

/** Holds the calls of a process that wait for their replies. Each ends with a reply or, by its deadline, with a ProblemError. */
export class PendingCalls {
  private readonly calls = new CallsInFlight<PendingCall>();
  private opened = 0;
  private characters = 0;
  private readonly periodicCheck = new PeriodicCheck(CHECK_MS, (now, runningSince) => this.checkAll(now, runningSince));

  constructor(private readonly options: PendingOptions) {}

  /** Sends the call. Throws `overloaded` when too many are pending. */
  open(call: PendingCall): void {
    const { limits, send } = this.options;
    const characters = this.characters + call.body.length;
    if (this.calls.size >= limits.calls || (characters > limits.characters && this.calls.size > 0)) throw overloaded();
    this.characters = characters;
    call.slot = this.calls.add(call);
    call.head.id = idOf(call, ++this.opened);
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
    call?.outputs?.accept(number, json);
    this.complete(call);
  }

  /** Notes that a stream ends with this output. */
  end(outputId: string): void {
    const { id, number } = parseOutputId(outputId);
    const call = this.find(id);
    call?.outputs?.end(number);
    this.complete(call);
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

  /** Notes that a replica works on these calls. */
  heartbeat(replica: string, ids: readonly string[]): void {
    const now = performance.now();
    for (const id of ids) {
      const call = this.find(id);
      if (call && mayWork(replica, call)) this.accepted(call, replica, now);
      else if (isCancellableId(id)) this.options.control(replica, { id });
    }
  }

  /** Tells the stream's replica up to which output it may send. */
  grant(call: PendingCall): void {
    const { head, outputs, replica, settled } = call;
    if (settled || !outputs || replica === undefined) return;
    call.grantedAt = performance.now();
    this.options.control(replica, { id: head.id, credit: outputs.credit });
  }

  /** Ends the call without a result. Its replica is told now, or when a heartbeat names the call. */
  abandon(call: PendingCall): void {
    if (call.settled) return;
    this.close(call);
    this.cancel(call);
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
    for (const call of this.calls) this.giveUp(call, unavailable());
  }

  private accepted(call: PendingCall, replica: string, now: number): void {
    call.accepted = true;
    call.heardAt = now;
    call.replica = replica;
    if (call.grantedAt === 0) this.grant(call);
  }

  private complete(call: PendingCall | undefined): void {
    if (!call?.outputs?.complete) return;
    this.close(call, 'ok');
    call.resolve('null');
  }

  private giveUp(call: PendingCall, problem: ProblemError): void {
    this.fail(call, problem);
    this.cancel(call);
  }

  private cancel({ head: { id }, replica }: PendingCall): void {
    if (replica !== undefined && isCancellableId(id)) this.options.control(replica, { id });
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

  private checkAll(now: number, runningSince: number): boolean {
    const observedSince = Math.max(runningSince, this.options.listeningSince());
    for (const call of this.calls) this.check(call, now, observedSince);
    return this.calls.size > 0;
  }

  /** `observedSince`: since when a reply would have been noticed. */
  private check(call: PendingCall, now: number, observedSince: number): void {
    if (now >= (call.accepted ? call.deadline : call.acceptBy))
      this.fail(call, call.accepted ? new ProblemError('deadline_exceeded') : unavailable());
    else if (call.heardAt !== undefined) {
      if (now - Math.max(call.heardAt, observedSince) > SILENCE_MS) this.repeat(call);
    } else if (this.mayRepeat(call) && now >= (call.started + call.acceptBy) / 2) {
      call.repeated = true;
      this.options.send(call);
    }
    if (call.outputs && !call.settled) this.checkStream(call, call.outputs, now, observedSince);
  }

  private checkStream(call: PendingCall, { missingSince }: ReceiveWindow, now: number, observedSince: number): void {
    if (now - Math.max(missingSince ?? now, observedSince) > REORDERING_MS) this.giveUp(call, streamBroken());
    else if (now - call.grantedAt >= CREDIT_MS) this.grant(call);
  }

  private mayRepeat(call: PendingCall): boolean {
    return !call.repeated && !call.accepted && (call.bound.method.effect === 'safe' || call.outputs !== undefined);
  }

  /** Gives a call whose replica is lost to another one, if that does no harm. */
  private repeat(call: PendingCall): void {
    if (!isRepeatable(call) || call.attempts >= MAX_ATTEMPTS) return this.fail(call, replicaLost());
    call.attempts++;
    call.heardAt = undefined;
    this.options.send(call);
  }
}

/** A stream keeps to one replica; copies of its request may have reached others. */
const mayWork = (replica: string, call: PendingCall): boolean =>
  !call.outputs || call.replica === undefined || call.replica === replica;
