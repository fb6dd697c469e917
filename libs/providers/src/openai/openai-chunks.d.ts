import type { ChunkReader } from '../call';
import type { ChatEvent } from '../types';
/** One answer in OpenAI's chunks, with what other vendors do differently. */
export declare class OpenAIChunks implements ChunkReader {
  private readonly events;
  /** The last call under each of the vendor's indexes. */
  private readonly calls;
  private last?;
  private begun;
  private stop_reason;
  private usage;
  read(chunk: unknown): readonly ChatEvent[];
  finish(): ChatEvent | null;
  private readDelta;
  private readCall;
  /**
   * A name begins a call, unless it only repeats the one that is under way: some send whole calls, all of them under the same index or under
   * none.
   */
  private callOf;
  private readUsage;
  /** Groq tells here what it used, and why it stopped early. */
  private readGroq;
}
