import type { ProblemError } from '@taai/contracts';
import type { RequestHead } from '../wire/envelope';

/** A call at work in a replica, whose caller grants it outputs or cancels it. */
export class SteeredCall {
  /** When its caller was last heard of (`performance.now()`). */
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

  /** Outputs up to this number may be sent. */
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
