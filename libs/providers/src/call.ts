import { followed } from './http/handover';
import { ProviderError } from './provider-error';
import type { CallOptions, ChatEvent } from './types';

const IDLE_TIMEOUT_MS = 60_000;

/** Makes sense of one answer's chunks, in their order. */
export interface ChunkReader {
  /** What the chunk tells. The list is the reader's own: it is good until the next chunk. */
  read(chunk: unknown): readonly ChatEvent[];
  /** The end of the answer; `null` when nothing has told why it ended. */
  finish(): ChatEvent | null;
}

/** Whatever an SDK throws, as one of ours. */
export type ToError = (error: unknown) => ProviderError;

/** A call with one answer, within its time. */
export async function call<Answer>(
  options: CallOptions,
  toError: ToError,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const deadline = new Deadline(options);
  try {
    return await deadline.follow(work);
  } catch (error) {
    throw deadline.explain(error, toError);
  } finally {
    deadline.close();
  }
}

/** A call whose answer comes in one piece, which is read as a chunk. */
export async function* wholeCall(
  { signal, timeout_ms }: CallOptions,
  toError: ToError,
  reader: ChunkReader,
  ask: (signal: AbortSignal) => Promise<unknown>,
): AsyncGenerator<ChatEvent> {
  const answer = await call({ signal, timeout_ms }, toError, ask);
  yield* reader.read(answer);
  yield endOf(reader);
}

/** A call whose answer comes in chunks, within its times. */
export async function* streamCall(
  options: CallOptions,
  toError: ToError,
  reader: ChunkReader,
  open: (signal: AbortSignal) => PromiseLike<AsyncIterable<unknown>>,
): AsyncGenerator<ChatEvent> {
  const deadline = new Deadline(options);
  let complete = false;
  try {
    for await (const chunk of await deadline.follow(open)) {
      for (const event of reader.read(chunk)) {
        deadline.received();
        yield event;
        deadline.waiting();
      }
    }
    // Aborted, the SDKs end their streams as if all were well.
    if (deadline.error) throw deadline.error;
    const end = endOf(reader);
    complete = true;
    yield end;
  } catch (error) {
    throw deadline.explain(error, toError);
  } finally {
    if (!complete) deadline.leave();
    deadline.close();
  }
}

function endOf(reader: ChunkReader): ChatEvent {
  const end = reader.finish();
  if (!end) throw new ProviderError('unavailable', 'The provider ended its answer before it was complete.');
  return end;
}

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
  private readonly handover = { isSent: false };

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

  /** Begins the call, unless it has ended already. */
  follow<T>(work: (signal: AbortSignal) => T): T {
    if (this.failure) throw this.failure;
    return followed(this.handover, () => work(this.signal));
  }

  /** Why the call failed: what ended it from here goes before what it threw. */
  explain(error: unknown, toError: ToError): ProviderError {
    const failure = this.failure ?? toError(error);
    failure.was_sent = this.handover.isSent;
    return failure;
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
