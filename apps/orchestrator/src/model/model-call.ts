import {
  ProviderError,
  type ChatEvent,
  type ChatRequest,
  type ProviderAdapter,
  type StopReason,
  type ToolCall,
  type Usage,
} from '@taai/providers';
import { ModelFailure } from './model-failure';

/** Bytes of an answer as JSON. With its question, of 1 MB at most, it must fit into one message between services (1.5 MB). */
const MAX_OUTPUT = 400_000;
const QUOTES = 2;
/** Tool calls of one answer. */
const MAX_TOOL_CALLS = 128;

export interface ModelReply {
  /** As far as it came. */
  text: string;
  /** What the model wrote besides: thoughts that the vendor shows. Counted, not kept. */
  reasoning_characters: number;
  /** In the order of their index. */
  tool_calls: ToolCall[];
  /** How many pieces of any kind came. */
  pieces: number;
  stop_reason: StopReason | null;
  /** As far as the provider reported it. */
  usage: Usage | null;
  /** Why the answer is incomplete: a `ProviderError`, a `ModelFailure` for one without end, or a fault of ours. */
  failure: Error | null;
  latency_ms: number;
}

export interface ModelCallOptions {
  signal: AbortSignal;
  timeout_ms: number;
  first_token_timeout_ms?: number;
  /** See `CallOptions`. */
  whole?: boolean;
  onEvent: (event: ChatEvent) => void | Promise<void>;
}

/** One call of a model. It does not throw: what came before a failure counts too. */
export async function callModel(
  adapter: ProviderAdapter,
  request: ChatRequest,
  { signal, onEvent, ...timeouts }: ModelCallOptions,
): Promise<ModelReply> {
  const begun = performance.now();
  const reply = emptyReply();
  try {
    let bytes = 0;
    for await (const event of adapter.stream(request, { signal, ...timeouts })) {
      bytes += sizeOf(event);
      if (bytes > MAX_OUTPUT) throw new ModelFailure('output_too_long', 'The answer is longer than 400 kB.');
      const taken = take(reply, event);
      if (taken) await onEvent(taken);
    }
  } catch (error) {
    reply.failure = error instanceof Error ? error : new Error(String(error));
  }
  reply.latency_ms = Math.round(performance.now() - begun);
  return reply;
}

export const emptyReply = (): ModelReply => ({
  text: '',
  reasoning_characters: 0,
  tool_calls: [],
  pieces: 0,
  stop_reason: null,
  usage: null,
  failure: null,
  latency_ms: 0,
});

/** Vendors may send anything along with a tool call. */
function sizeOf(event: ChatEvent): number {
  if (event.type === 'tool_call') return Buffer.byteLength(JSON.stringify(event));
  return 'text' in event ? Buffer.byteLength(JSON.stringify(event.text)) - QUOTES : 0;
}

/** PostgreSQL stores no NUL. */
const withoutNul = (text: string): string => text.replaceAll('\0', '');

/** Adds the event to the reply; returns the event that is to be passed on. */
function take(reply: ModelReply, event: ChatEvent): ChatEvent | undefined {
  switch (event.type) {
    case 'finish':
      reply.stop_reason = event.stop_reason;
      reply.usage = event.usage ?? reply.usage;
      return undefined;
    case 'usage':
      reply.usage = event.usage;
      return undefined;
    default:
      reply.pieces += 1;
      return takePiece(reply, event);
  }
}

function takePiece(reply: ModelReply, event: Exclude<ChatEvent, { type: 'finish' | 'usage' }>): ChatEvent {
  switch (event.type) {
    case 'text': {
      const text = withoutNul(event.text);
      reply.text += text;
      return { type: 'text', text };
    }
    case 'reasoning':
      reply.reasoning_characters += event.text.length;
      return event;
    case 'tool_call': {
      const { id, name, opaque } = event;
      if (event.index !== reply.tool_calls.length || event.index >= MAX_TOOL_CALLS)
        throw new ProviderError('unavailable', 'The provider numbered its tool calls wrongly, or made too many.');
      reply.tool_calls.push({ id: withoutNul(id), name: withoutNul(name), arguments: '', ...(opaque && { opaque }) });
      return event;
    }
    case 'tool_arguments': {
      const call = reply.tool_calls[event.index];
      if (!call)
        throw new ProviderError('unavailable', 'The provider sent arguments of a tool call that it never began.');
      const text = withoutNul(event.text);
      call.arguments += text;
      return { ...event, text };
    }
  }
}
