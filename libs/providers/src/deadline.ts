import { ProviderError } from './provider-error';
import type { CallOptions } from './types';

const IDLE_TIMEOUT_MS = 60_000;

/**
 * Joins the caller's abort, the time for a whole call, and the greatest silence within a stream in one signal, and remembers which of them
 * it was: SDKs end quietly when aborted.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#end(new ProviderError('aborted', 'The call was cancelled.'));
  readonly #expire = (): void => this.#end(new ProviderError('timeout', 'The provider did not answer in time.'));
  readonly #timer: NodeJS.Timeout;
  #idle?: NodeJS.Timeout;
  #silent = false;
  #error?: ProviderError;

  constructor(private readonly options: CallOptions) {
    this.#timer = setTimeout(this.#expire, options.timeout_ms);
    if (options.signal?.aborted) this.#abort();
    else options.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the call was ended from here, if it was. */
  get error(): ProviderError | undefined {
    return this.#error;
  }

  /** The provider's turn: from now on silence counts. */
  waiting(): void {
    this.#silent = true;
    // Refreshed, not made anew: this runs for every token.
    this.#idle ??= setTimeout(() => this.#silent && this.#expire(), this.options.idle_timeout_ms ?? IDLE_TIMEOUT_MS);
    this.#idle.refresh();
  }

  /** The reader's turn, who may take any time. */
  received(): void {
    this.#silent = false;
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#idle);
    this.options.signal?.removeEventListener('abort', this.#abort);
  }

  #end(error: ProviderError): void {
    this.#error ??= error;
    this.#controller.abort();
  }
}
