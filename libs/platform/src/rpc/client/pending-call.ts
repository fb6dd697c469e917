import { ProblemError, problems, type BoundMethod, type ProblemCode } from '@taai/contracts';
import type { RequestHead } from '../wire/envelope';
import type { ReceiveWindow } from './receive-window';

/** A call may take long, but a replica must name it soon. */
export const ACCEPT_MS = 5000;

/** A call that has neither been answered nor failed. Times are those of `performance.now()`, if nothing else is said. */
export class PendingCall {
  readonly started = performance.now();
  readonly deadline: number;
  /** When it is pushed once more, if that does no harm and no replica has named it. */
  readonly halfTime: number;
  slot = -1;
  settled = false;
  /** How often it was given to a replica. */
  attempts = 1;
  /** How often it was pushed into its service's list, or may have been. */
  pushes = 0;
  /** Whether it was pushed a second time because no heartbeat named it. */
  repeated = false;
  /** Whether any heartbeat ever named it. */
  accepted = false;
  /** Whether its time is up, and it is being taken out of the list. */
  expired = false;
  /** When it was opened, or last heard of, by the clock of the check. */
  heardAt = 0;
  /** The replica whose heartbeat named it. A stream keeps to the first one: it alone is granted outputs, and so may begin. */
  replica: string | undefined = undefined;
  /** The number of a stream's output that is missing though later ones have come, and since when, by the clock of the check. */
  missing: number | undefined = undefined;
  missingSince = 0;
  /** When the replica of a stream was last granted credit. */
  grantedAt = 0;
  onClose: (() => void) | undefined = undefined;

  constructor(
    readonly bound: BoundMethod,
    /** Gets its id when the call is opened, and its deadline, in Redis' time, when it is sent. */
    readonly head: RequestHead,
    /** JSON. */
    readonly body: string,
    timeout_ms: number,
    readonly resolve: (json: string) => void,
    readonly reject: (reason: unknown) => void,
    /** Of a stream alone. */
    readonly outputs: ReceiveWindow | undefined = undefined,
  ) {
    this.deadline = this.started + timeout_ms;
    this.halfTime = this.started + Math.min(timeout_ms, ACCEPT_MS) / 2;
  }
}

export const overloaded = () => new ProblemError('overloaded', undefined, { retry_after: 1 });
export const unavailable = () => new ProblemError('service_unavailable', undefined, { retry_after: 2 });
/** For a call that may have been executed. */
export const tooLate = (call: PendingCall) =>
  new ProblemError('deadline_exceeded', unknownOutcome('deadline_exceeded', call));
export const replicaLost = (call: PendingCall) =>
  new ProblemError('replica_lost', unknownOutcome('replica_lost', call), isHarmless(call) ? { retry_after: 1 } : {});
export const streamBroken = () => new ProblemError('stream_broken', undefined, { retry_after: 1 });

/** Whether a second replica may get the call without a second effect. What no replica may begin yet has none. */
export const isRepeatable = (call: PendingCall): boolean =>
  call.outputs ? call.replica === undefined : isHarmless(call);

/** Whether its contract says that a repetition does nothing twice. */
function isHarmless({ bound, head }: PendingCall): boolean {
  const { effect } = bound.method;
  return effect === 'once_per_key' ? head.idempotency_key !== undefined : effect !== 'once';
}

/** What its caller should know of a call that changes something, and may have been executed; undefined for others. */
function unknownOutcome(code: ProblemCode, { bound, head }: PendingCall): string | undefined {
  const { effect } = bound.method;
  if (effect !== 'once' && effect !== 'once_per_key') return undefined;
  const isKeyed = effect === 'once_per_key' && head.idempotency_key !== undefined;
  const advice = isKeyed ? ': a repetition with the same Idempotency-Key is safe' : '';
  return `${problems[code].title}. Whether it was done is not known${advice}.`;
}
