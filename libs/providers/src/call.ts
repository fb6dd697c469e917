import { Deadline } from './http/deadline';
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
export async function call<Answer>(
  options: CallOptions,
  toError: ToError,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const deadline = new Deadline(options);
  try {
    return await work(deadline.signal);
  } catch (error) {
    throw deadline.error ?? toError(error);
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
    for await (const chunk of await open(deadline.signal)) {
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
    throw deadline.error ?? toError(error);
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
