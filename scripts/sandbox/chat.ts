import type { Json } from './json.ts';
import type { Medium } from './media.ts';

/** What all formats ask and answer, in no vendor's words. */
export interface ToolCall {
  /** Empty in formats that have none. */
  id: string;
  name: string;
  /** JSON, unless the script wants it broken. */
  arguments: string;
}

export interface Message {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  /** Images and documents, as the user sends them. */
  media?: Medium[];
  /** The assistant's. */
  tool_calls?: ToolCall[];
  /** A tool's: the call that it answers, by its id or, in formats without ids, by the tool's name. */
  tool_call_id?: string;
}

export interface Tool {
  name: string;
  /** JSON schema of the arguments. */
  schema: Json;
}

export interface ChatRequest {
  model: string;
  messages: Message[];
  tools: Tool[];
  tool_choice: 'auto' | 'none' | 'required' | { name: string };
  stream: boolean;
  /** OpenAI's alone: a stream ends with the usage. */
  include_usage: boolean;
  max_tokens: number;
  /** The answer is to be JSON that fits this schema; an empty one fits anything. */
  schema?: Json;
}

export interface EmbeddingRequest {
  model: string;
  input: string[];
  dimensions?: number;
  /** OpenAI's alone: vectors as little-endian floats in base64. */
  base64: boolean;
}

/** One token of the answer. */
export type Piece =
  | { type: 'reasoning' | 'text'; text: string }
  /** A call begins. */
  | { type: 'call'; index: number; call: ToolCall }
  | { type: 'arguments'; index: number; call: ToolCall; text: string; is_last: boolean };

/** `undefined` where the directives tell nothing: a vendor that does not say. */
export interface Usage {
  /** Those from the cache included. */
  prompt_tokens: number;
  /** Those of the reasoning included. */
  completion_tokens: number;
  cached_tokens?: number;
  reasoning_tokens?: number;
}

export interface Answer {
  pieces: Piece[];
  reasoning: string;
  text: string;
  tool_calls: ToolCall[];
  stop: 'stop' | 'length' | 'tool_calls';
  prompt_tokens: number;
  /** Null: none is told. */
  usage: Usage | null;
}

export const lastUserMessage = (messages: readonly Message[]): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';
