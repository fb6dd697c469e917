import type { ChatEvent } from '../types';
import type { ChunkReader } from '../call';
/** Reads the events of one message. Its blocks come one after another. */
export declare class AnthropicReply implements ChunkReader {
  private call?;
  private thought?;
  private thoughts;
  private held;
  private calls;
  private start;
  private end;
  private is_start_told;
  private stop_reason;
  read(value: unknown): ChatEvent[];
  finish(): ChatEvent | null;
  private readEvent;
  private begin;
  private beginCall;
  private goOn;
  private write;
  /** A call without arguments has no deltas. */
  private close;
  private stop;
  private usage;
  private hold;
}
