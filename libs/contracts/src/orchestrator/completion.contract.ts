import { contract } from '../contract';
import { Empty } from '../fields';
import type { TokenUsage } from '../usage.contract';
import {
  ModelById,
  OpenAiChatCompletion,
  OpenAiChatRequest,
  OpenAiEmbeddingRequest,
  OpenAiEmbeddings,
  OpenAiModel,
  OpenAiModels,
} from './openai-shapes';

/** For the whole answer, the last token included; retries and fallbacks come out of it. */
const ANSWER_TIMEOUT_MS = 600_000;
const EMBEDDING_TIMEOUT_MS = 120_000;

/** As models write them: the arguments may be broken JSON. */
export interface CompletionToolCall {
  id: string;
  name: string;
  arguments: string;
}

/** As `ChatMessage` of libs/providers. */
export type CompletionMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string | CompletionPart[] }
  | { role: 'assistant'; content: string; tool_calls?: CompletionToolCall[] }
  | { role: 'tool'; tool_call_id: string; name: string; content: string };

export type CompletionPart = { type: 'text'; text: string } | { type: 'image'; url: string };

export interface CompletionTool {
  name: string;
  description?: string;
  /** JSON schema of the arguments, an object. */
  input_schema: Record<string, unknown>;
}

/** What a model is asked, in no vendor's terms: the gateway has read and checked it. */
export class CompletionCall {
  /** `provider/model`, or `agent:slug`. */
  model: string;

  /** Oldest first. */
  messages: CompletionMessage[];

  temperature?: number;
  top_p?: number;
  max_output_tokens?: number;
  stop?: string[];
  seed?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  reasoning_effort?: 'minimal' | 'low' | 'medium' | 'high';
  tools?: CompletionTool[];
  tool_choice?: 'auto' | 'none' | 'required' | { name: string };
  parallel_tool_calls?: boolean;
  response_format?:
    { type: 'json_object' } | { type: 'json_schema'; name: string; schema: Record<string, unknown>; strict?: boolean };
  user?: string;
}

/** Who answers, and how long the provider took. */
export interface CompletionHead {
  /** Of the provider call: the ledger's key. */
  call_id: string;
  /** The provider's name, and its model: those of a fallback, if that one answers. */
  provider: string;
  model: string;
  /** From the first provider call, of which this may be a repetition, to the first piece of the answer, or to all of it. */
  provider_ms: number;
}

/** Why the answer ends where it does. */
export interface CompletionEnd {
  stop_reason: 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';
  usage: TokenUsage;
  /** What broke the answer off, as `ProblemError` writes it; only in a stream, whose beginning the client has. */
  problem?: object;
}

/** A whole answer. */
export class Completion {
  head: CompletionHead;
  text: string;
  /** What the model thought aloud; empty if nothing. */
  reasoning: string;
  tool_calls: CompletionToolCall[];
  end: CompletionEnd;
}

/** The beginning of a tool call (`id`, `type`, `function.name`), or a part of its arguments. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: 'function';
  function: { name?: string; arguments: string };
}

/**
 * A piece of an answer: first one with `head` alone, then what the model says, then one with `end` alone. What lies between are
 * OpenAI's deltas, so that the gateway passes them on unread: it tells the last piece by its first word.
 */
export class CompletionPiece {
  head?: CompletionHead;
  content?: string;
  reasoning_content?: string;
  tool_calls?: [ToolCallDelta];
  end?: CompletionEnd;
}

/** Texts of which vectors are made. */
export class EmbeddingCall {
  /** `provider/model`. */
  model: string;
  input: string[];
  dimensions?: number;
  /** `base64`: vectors come as little-endian 32-bit floats. */
  encoding: 'float' | 'base64';
}

export interface EmbeddingHead extends CompletionHead {
  usage: TokenUsage;
}

/** First one with `head` alone, then one per input, in its order, which the gateway passes on unread. */
export class EmbeddingPiece {
  head?: EmbeddingHead;
  embedding?: number[] | string;
}

/** The door for OpenAI's clients. */
export const completionContract = contract('orchestrator.completion', {
  chat: {
    summary: 'Ask a model or an agent, as OpenAI’s clients do: the answer, or its chunks as SSE (`stream`)',
    http: 'POST /v1/chat/completions',
    access: 'runs:create',
    input: CompletionCall,
    output: Completion,
    openai: { input: OpenAiChatRequest, output: OpenAiChatCompletion },
    status: 200,
    custom: true,
    long: true,
    cancellable: true,
    timeout_ms: ANSWER_TIMEOUT_MS,
    effect: 'once',
  },
  stream: {
    summary: 'The same, piece by piece',
    callers: ['gateway'],
    input: CompletionCall,
    output: CompletionPiece,
    long: true,
    stream: true,
    timeout_ms: ANSWER_TIMEOUT_MS,
    effect: 'once',
  },
  embed: {
    summary: 'Make vectors of texts, as OpenAI’s clients do',
    http: 'POST /v1/embeddings',
    access: 'runs:create',
    input: EmbeddingCall,
    output: EmbeddingPiece,
    openai: { input: OpenAiEmbeddingRequest, output: OpenAiEmbeddings },
    status: 200,
    custom: true,
    long: true,
    stream: true,
    timeout_ms: EMBEDDING_TIMEOUT_MS,
    effect: 'once',
  },
  models: {
    summary: 'List what `model` may be: the models of the active providers, and the active agents',
    http: 'GET /v1/models',
    access: 'agents:read',
    input: Empty,
    output: OpenAiModels,
    openai: {},
    timeout_ms: 15_000,
    effect: 'safe',
  },
  model: {
    summary: 'Whether there is such a model or agent',
    http: 'GET /v1/models/:id',
    access: 'agents:read',
    input: ModelById,
    output: OpenAiModel,
    openai: {},
    timeout_ms: 15_000,
    effect: 'safe',
  },
});
