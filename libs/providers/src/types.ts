import type { Fetch } from './http/lean-fetch';

export type JsonObject = Record<string, unknown>;

export interface TextPart {
  type: 'text';
  text: string;
}

/** An image: an https address, or a data URL (`data:image/png;base64,…`), which every vendor takes. */
export interface ImagePart {
  type: 'image';
  url: string;
}

/** A PDF. Vendors that take none refuse it before anything is sent. */
export interface FilePart {
  type: 'file';
  filename: string;
  media_type: 'application/pdf';
  /** In base64. */
  data: string;
}

export type ContentPart = TextPart | ImagePart | FilePart;

/** What the model asked for. */
export interface ToolCall {
  /** The vendor's name for the call, or one minted by the adapter of a vendor that has none. */
  id: string;
  name: string;
  /** JSON as the model wrote it: it may be broken. */
  arguments: string;
  /** What the vendor wants back with the call, unchanged (Google's thought signature). */
  opaque?: string;
}

/** Instructions to the model are `system` messages, usually one and first. Each call of an `assistant` message is answered by a `tool` message. */
export type ChatMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string | ContentPart[] }
  | { role: 'assistant'; content: string; tool_calls?: ToolCall[] }
  | { role: 'tool'; tool_call_id: string; name: string; content: string };

export interface ToolDefinition {
  name: string;
  description?: string;
  /** JSON schema of the arguments, an object. */
  input_schema: JsonObject;
}

export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

export type ResponseFormat =
  { type: 'json_object' } | { type: 'json_schema'; name: string; schema: JsonObject; strict?: boolean };

/** What a vendor does not know of it, its adapter leaves out. */
export interface ChatRequest {
  model: string;
  /** Oldest first, the last one from the user or of a tool. */
  messages: ChatMessage[];
  temperature?: number;
  top_p?: number;
  /** Vendors that insist on a limit get 8,192 when it is absent. */
  max_output_tokens?: number;
  stop?: string[];
  seed?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  reasoning_effort?: 'minimal' | 'low' | 'medium' | 'high';
  tools?: ToolDefinition[];
  tool_choice?: ToolChoice;
  parallel_tool_calls?: boolean;
  response_format?: ResponseFormat;
  /** Names the end user to the vendor, for its abuse detection. */
  user?: string;
}

/**
 * What a call used, in tokens. The buckets are disjoint and their sum is the provider's own total. `null` means that the provider did not
 * say; it is not zero.
 */
export interface Usage {
  /** Read by the model at full price: without what came from or went to a cache. */
  input_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  /** What the reader sees: without reasoning. */
  output_tokens: number | null;
  reasoning_tokens: number | null;
}

/** Why the model stopped; `length`: the greatest number of output tokens was reached. */
export type StopReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';

/**
 * A stream is any number of pieces and one `finish`, which is the last. Tool calls are numbered 0, 1, … by `index`: each begins with a
 * `tool_call`, and its arguments come in `tool_arguments`, those of parallel calls perhaps in turn. Kinds may be added: ignore those that
 * you do not know.
 */
export type ChatEvent =
  | { type: 'text'; text: string }
  /** What the model thinks aloud; not part of the answer. */
  | { type: 'reasoning'; text: string }
  | { type: 'tool_call'; index: number; id: string; name: string; opaque?: string }
  | { type: 'tool_arguments'; index: number; text: string }
  /** What the provider has told so far, if it tells before the end; each one replaces the one before. */
  | { type: 'usage'; usage: Usage }
  | {
      type: 'finish';
      stop_reason: StopReason;
      /** `null`: the provider reported none. */
      usage: Usage | null;
    };

/** All that a model said, put together from the events of its answer. */
export interface ChatReply {
  text: string;
  /** What the model thought aloud; empty if nothing. */
  reasoning: string;
  /** In the order of their index. */
  tool_calls: ToolCall[];
}

export interface EmbeddingRequest {
  model: string;
  input: string[];
  dimensions?: number;
}

export interface Embeddings {
  /** One per input, in its order. */
  vectors: number[][];
  usage: Usage | null;
}

export interface CallOptions {
  /** Ends the call and closes the provider's socket. */
  signal?: AbortSignal;
  /** For the whole call, the last token included. */
  timeout_ms: number;
  /** To the first piece of the answer. Default: `timeout_ms`. */
  first_token_timeout_ms?: number;
  /**
   * Nobody reads along: a vendor that answers in one piece more cheaply does so. Then the answer is the first piece, and may take all of
   * `timeout_ms`.
   */
  whole?: boolean;
  /** Greatest silence after the first piece. Default 60,000. */
  idle_timeout_ms?: number;
}

/** A vendor behind one face. Failures are `ProviderError`s; nothing is retried here. */
export interface ProviderAdapter {
  /** Nothing is sent before the first event is asked for. Leaving the loop early closes the provider's socket. */
  stream(request: ChatRequest, options: CallOptions): AsyncIterable<ChatEvent>;

  /** @throws ProviderError `invalid_request` where the vendor offers no embeddings */
  embed(request: EmbeddingRequest, options: CallOptions): Promise<Embeddings>;

  /** Names of the models that can be asked, in the provider's order. */
  models(options: CallOptions): Promise<string[]>;
}

export interface ProviderConfig {
  /** `null` or absent: the vendor's own. */
  base_url?: string | null;
  api_key: string;
  /** How requests leave. Default: the shared `leanFetch()`. */
  fetch?: Fetch;
}

/** @throws ProviderError `auth` when the key cannot be one. */
export type ProviderFactory = (config: ProviderConfig) => ProviderAdapter;
