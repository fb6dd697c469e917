import { ProviderError } from './provider-error';
import type { CallOptions, ChatEvent } from './types';
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
export declare function call<Answer>(
  options: CallOptions,
  toError: ToError,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer>;
/** A call whose answer comes in one piece, which is read as a chunk. */
export declare function wholeCall(
  { signal, timeout_ms }: CallOptions,
  toError: ToError,
  reader: ChunkReader,
  ask: (signal: AbortSignal) => Promise<unknown>,
): AsyncGenerator<ChatEvent>;
/** A call whose answer comes in chunks, within its times. */
export declare function streamCall(
  options: CallOptions,
  toError: ToError,
  reader: ChunkReader,
  open: (signal: AbortSignal) => PromiseLike<AsyncIterable<unknown>>,
): AsyncGenerator<ChatEvent>;
