import type { ProblemError } from '@taai/contracts';
import type { RequestHead } from '../wire/envelope';

/** A call that a replica works on, and that its caller can cancel; if it is a stream, the caller grants its outputs. */
export class CancellableCall {
  /** When its caller last granted outputs (`performance.now()`). */
  heardAt = performance.now();
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
    this.heardAt = performance.now();
    this.credit = Math.max(this.credit, credit);
    this.wake?.();
  }

  abort(reason: ProblemError): void {
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
