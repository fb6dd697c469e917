import { ProblemError } from '@taai/contracts';
import { keys } from '../../redis/keys';
import { createRedis } from '../../redis/redis';
import { decodeControls, type Control, type RequestHead } from '../wire/envelope';
import { PeriodicCheck } from '../wire/in-flight';
import type { Link } from '../wire/link';
import { ListReader } from '../wire/lists';

const CHECK_MS = 100;
/** A caller that is silent for so long is gone: it grants the outputs of each stream every second. */
const SILENCE_MS = 5000;
const ELEMENTS_PER_READ = 64;

/** A call that a replica works on, and that its caller can cancel; if it is a stream, the caller grants its outputs. */
export class CancellableCall {
  /** Why the signal is aborted. */
  abortedFor: ProblemError | undefined;
  private readonly controller = new AbortController();
  private credit = 0;
  private wake: (() => void) | undefined;

  constructor(
    readonly head: RequestHead,
    readonly isStream: boolean,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Allows outputs up to this number to be sent. */
  grant(credit: number): void {
    this.credit = Math.max(this.credit, credit);
    this.wake?.();
  }

  abort(reason: ProblemError): void {
    this.abortedFor ??= reason;
    this.controller.abort(reason);
    this.wake?.();
  }

  /** Resolves when the output of this number may be sent. Throws when the call was aborted. */
  async granted(output: number): Promise<void> {
    this.signal.throwIfAborted();
    while (this.credit < output) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.signal.throwIfAborted();
    }
  }
}

export interface CancellableCallsOptions {
  redisUrl: string;
  /** Names the replica's list. */
  replica: string;
  link: Link;
}

/**
 * Holds the cancellable calls of a replica, and reads the replica's control list for them. The list is read on a connection of its own,
 * which is opened for the first such call.
 */
export class CancellableCalls {
  private readonly calls = new Map<string, CancellableCall>();
  private reader: ListReader | undefined;
  /** When each caller was last heard of, by the check's clock. */
  private readonly callers = new Map<string, number>();
  private readonly periodicCheck = new PeriodicCheck({
    ms: CHECK_MS,
    isListening: () => this.reader?.isListening === true,
    look: () => this.checkAll(),
  });

  constructor(private readonly options: CancellableCallsOptions) {}

  /** Returns undefined for a request that is being worked on already: it was pushed twice. */
  begin(head: RequestHead, isStream: boolean): CancellableCall | undefined {
    const key = keyOf(head.caller, head.id);
    if (this.calls.has(key)) return undefined;
    const call = new CancellableCall(head, isStream);
    this.calls.set(key, call);
    this.hear(head.caller);
    this.reader ??= this.read();
    this.periodicCheck.start();
    return call;
  }

  end({ head }: CancellableCall): void {
    this.calls.delete(keyOf(head.caller, head.id));
  }

  /** Aborts what has not ended, because the replica leaves. */
  abort(): void {
    for (const call of this.calls.values()) call.abort(new ProblemError('replica_lost'));
  }

  async close(): Promise<void> {
    const { link, replica } = this.options;
    this.periodicCheck.stop();
    await this.reader?.stop(link);
    if (this.reader) await link.command((redis) => redis.del(keys.rpcControls(replica))).catch(() => undefined);
  }

  private read(): ListReader {
    const { redisUrl, replica } = this.options;
    const reader = new ListReader({
      redis: createRedis(redisUrl, { role: 'blocking', connectionName: `${replica}:controls`, watched: true }),
      list: keys.rpcControls(replica),
      room: () => ELEMENTS_PER_READ,
      take: (elements) => elements.forEach((element) => this.take(element)),
    });
    reader.start();
    return reader;
  }

  private take(element: string): void {
    const { caller, controls } = decodeControls(element);
    this.hear(caller);
    for (const control of controls) this.obey(keyOf(caller, control.id), control);
  }

  private hear(caller: string): void {
    this.callers.set(caller, this.periodicCheck.clock.now);
  }

  private obey(key: string, { credit }: Control): void {
    const call = this.calls.get(key);
    if (credit !== undefined) call?.grant(credit);
    // A caller gives up at the deadline, too, and may say so before this process looks.
    else call?.abort(new ProblemError(this.isOver(call) ? 'deadline_exceeded' : 'cancelled'));
  }

  private checkAll(): boolean {
    const { clock } = this.periodicCheck;
    for (const [caller, heardAt] of this.callers) if (clock.silence(heardAt) > SILENCE_MS) this.callers.delete(caller);
    for (const call of this.calls.values()) this.check(call);
    return this.calls.size > 0;
  }

  private isOver({ head }: CancellableCall): boolean {
    return this.options.link.clock.now() >= head.deadline;
  }

  private check(call: CancellableCall): void {
    if (this.isOver(call)) call.abort(new ProblemError('deadline_exceeded'));
    else if (call.isStream && !this.callers.has(call.head.caller)) call.abort(new ProblemError('cancelled'));
  }
}

const keyOf = (caller: string, id: string) => `${caller} ${id}`;
