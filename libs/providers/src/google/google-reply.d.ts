import type { ChatEvent } from '../types';
import type { ChunkReader } from '../call';
/** Reads the chunks of one answer. A call of a tool comes as a whole. */
export declare class GoogleReply implements ChunkReader {
  private readonly secret;
  private calls;
  private usage;
  private stop_reason;
  private is_blocked;
  constructor(secret: string);
  read(value: unknown): ChatEvent[];
  /** @throws ProviderError `content_filter` when the prompt was blocked, which has no other end */
  finish(): ChatEvent | null;
  private readPart;
  private readCall;
  private readUsage;
}
