import type { ChatRequest, ProviderAdapter, Usage } from '@taai/providers';
import { RunFailure } from './run-failure';

/** Bytes of an answer as JSON. With its question, of 1 MB at most, it must fit into one message between services (1.5 MB). */
const MAX_OUTPUT = 400_000;
const QUOTES = 2;

export interface ModelReply {
  /** As far as it came. */
  text: string;
  /** How many pieces the text came in. */
  pieces: number;
  /** Null: the provider told none. */
  usage: Usage | null;
  /** Why the answer is incomplete: a `ProviderError`, a `RunFailure` for one without end, or a fault of ours. */
  failure: Error | null;
  latency_ms: number;
}

export interface ModelCallOptions {
  signal: AbortSignal;
  timeout_ms: number;
  onText: (text: string) => void;
}

/** One call of a model. It does not throw: what came before a failure counts too. */
export async function callModel(
  adapter: ProviderAdapter,
  request: ChatRequest,
  { signal, timeout_ms, onText }: ModelCallOptions,
): Promise<ModelReply> {
  const begun = performance.now();
  let bytes = 0;
  const reply: ModelReply = { text: '', pieces: 0, usage: null, failure: null, latency_ms: 0 };
  try {
    if (signal.aborted) reply.usage = nothing;
    for await (const event of adapter.stream(request, { signal, timeout_ms })) {
      if (event.type === 'finish') reply.usage = event.usage;
      if (event.type !== 'text') continue;
      bytes += Buffer.byteLength(JSON.stringify(event.text)) - QUOTES;
      if (bytes > MAX_OUTPUT) throw new RunFailure('output_too_long', 'The answer is longer than 400 kB.');
      onText(take(reply, event.text));
    }
  } catch (error) {
    reply.failure = error instanceof Error ? error : new Error(String(error));
  }
  reply.latency_ms = Math.round(performance.now() - begun);
  return reply;
}

/** Of a call that was stopped before it was made. */
const nothing: Usage = {
  input_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
};

function take(reply: ModelReply, piece: string): string {
  // PostgreSQL stores no NUL.
  const text = piece.replaceAll('\0', '');
  reply.text += text;
  reply.pieces += 1;
  return text;
}
