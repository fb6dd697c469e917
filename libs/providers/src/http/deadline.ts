import { ProviderError } from '../provider-error';
import type { CallOptions } from '../types';

const IDLE_TIMEOUT_MS = 60_000;

/**
 * Joins the caller's abort, the time for a whole call and for its first piece, and the greatest silence within a stream in one signal, and
 * remembers which of them it was: SDKs end quietly when aborted.
 */
export class Deadline {
  private readonly controller = new AbortController();
  private readonly abort = (): void => this.end(new ProviderError('aborted', 'The call was cancelled.'));
  private readonly expire = (): void => this.end(new ProviderError('timeout', 'The provider did not answer in time.'));
  private readonly timer: NodeJS.Timeout;
  private first?: NodeJS.Timeout;
  private idle?: NodeJS.Timeout;
  private silent = false;
  private failure?: ProviderError;

  constructor(private readonly options: CallOptions) {
    const { timeout_ms, first_token_timeout_ms = timeout_ms } = options;
    this.timer = setTimeout(this.expire, timeout_ms);
    if (first_token_timeout_ms < timeout_ms) this.first = setTimeout(this.expire, first_token_timeout_ms);
    if (options.signal?.aborted) this.abort();
    else options.signal?.addEventListener('abort', this.abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Why the call was ended from here, if it was. */
  get error(): ProviderError | undefined {
    return this.failure;
  }

  /** The provider's turn: from now on silence counts. */
  waiting(): void {
    this.silent = true;
    // Refreshed, not made anew: this runs for every token.
    this.idle ??= setTimeout(() => this.silent && this.expire(), this.options.idle_timeout_ms ?? IDLE_TIMEOUT_MS);
    this.idle.refresh();
  }

  /** A piece of the answer is here: it is the reader's turn, who may take any time. */
  received(): void {
    this.silent = false;
    if (this.first === undefined) return;
    clearTimeout(this.first);
    this.first = undefined;
  }

  /** The answer is no longer wanted. */
  leave(): void {
    this.controller.abort();
  }

  close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.first);
    clearTimeout(this.idle);
    this.options.signal?.removeEventListener('abort', this.abort);
  }

  private end(error: ProviderError): void {
    this.failure ??= error;
    this.controller.abort();
  }
}
