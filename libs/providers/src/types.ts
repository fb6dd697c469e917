import type { Fetch } from './lean-fetch';

/** One turn. Instructions to the model are `system` messages, usually one and first. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatRequest {
  model: string;
  /** Oldest first, the last one from the user. */
  messages: ChatMessage[];
  temperature?: number;
  max_output_tokens?: number;
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

/** A stream is any number of `text` and one `finish`, which is the last. Kinds may be added: ignore those that you do not know. */
export type ChatEvent =
  | { type: 'text'; text: string }
  | {
      type: 'finish';
      stop_reason: StopReason;
      /** `null`: the provider reported none. */
      usage: Usage | null;
    };

export interface CallOptions {
  /** Ends the call and closes the provider's socket. */
  signal?: AbortSignal;
  /** For the whole call, the last token included. */
  timeout_ms: number;
  /** Greatest silence after the first token; before it a model may think for as long as `timeout_ms`. Default 60,000. */
  idle_timeout_ms?: number;
}

/** A vendor behind one face. Failures are `ProviderError`s; nothing is retried here. */
export interface ProviderAdapter {
  /** Nothing is sent before the first event is asked for. Leaving the loop early closes the provider's socket. */
  stream(request: ChatRequest, options: CallOptions): AsyncIterable<ChatEvent>;

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
