import type { ChunkReader } from '../call';
import type { ChatEvent, Usage } from '../types';
/** One answer in Ollama's messages. Its tool calls come whole. */
export declare class OllamaChunks implements ChunkReader {
  private readonly events;
  private calls;
  private finished;
  read(chunk: unknown): readonly ChatEvent[];
  finish(): ChatEvent | null;
  private readMessage;
  private readCall;
}
/** Thoughts are part of what was generated, and are not told apart; nor is what came from its cache of prompts. */
export declare function readOllamaUsage(figures: unknown): Usage | null;
