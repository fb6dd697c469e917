import { isCancellable, ProblemError, type BoundMethod } from '@taai/contracts';
import type { RequestHead } from '../wire/envelope';
import type { ReceiveWindow } from './receive-window';

/** A stream may take long, but a replica must accept it soon. */
const ACCEPT_MS = 5000;

/** A call that has neither been answered nor failed. Times are those of `performance.now()`. */
export class PendingCall {
  readonly started = performance.now();
  readonly deadline: number;
  /** By when a replica must have named it in a heartbeat. */
  readonly acceptBy: number;
  slot = -1;
  settled = false;
  /** How often it was given to a replica. */
  attempts = 1;
  /** Whether it was pushed a second time because no heartbeat named it. */
  repeated = false;
  /** Whether any heartbeat ever named it. */
  accepted = false;
  /** When the replica that works on it was last heard of. */
  heardAt: number | undefined = undefined;
  /** The replica whose heartbeat named it. A stream keeps to the first one: it alone is granted outputs, and so may begin. */
  replica: string | undefined = undefined;
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
    this.acceptBy = this.started + (outputs ? Math.min(timeout_ms, ACCEPT_MS) : timeout_ms);
  }
}

export const overloaded = () => new ProblemError('overloaded', undefined, { retry_after: 1 });
export const unavailable = () => new ProblemError('service_unavailable', undefined, { retry_after: 2 });
export const replicaLost = () => new ProblemError('replica_lost', undefined, { retry_after: 1 });
export const streamBroken = () => new ProblemError('stream_broken', undefined, { retry_after: 1 });

/** Whether a second replica may get the call without a second effect. What no replica may begin yet has none. */
export function isRepeatable({ bound, head, outputs, replica }: PendingCall): boolean {
  if (outputs) return replica === undefined;
  const { effect } = bound.method;
  return effect === 'once_per_key' ? head.idempotency_key !== undefined : effect !== 'once';
}

/** Ends the ids of cancellable calls: a replica whose heartbeat names one that is not pending is told to cancel it. */
const CANCELLABLE = 's';

export const idOf = ({ slot, bound }: PendingCall, count: number): string =>
  `${slot}.${count}${isCancellable(bound.method) ? CANCELLABLE : ''}`;

export const isCancellableId = (id: string): boolean => id.endsWith(CANCELLABLE);
