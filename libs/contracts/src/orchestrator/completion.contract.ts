import type { ChatEvent, ChatReply, ChatRequest, EmbeddingRequest, StopReason } from '@taai/providers';
import { contract, typed } from '../contract';
import { Empty, type Timestamp } from '../fields';
import { limits } from '../schema/limits';
import type { TokenUsage } from '../usage.contract';

/** For the whole answer, the last token included; retries and fallbacks come out of it. */
const ANSWER_TIMEOUT_MS = 600_000;
const EMBEDDING_TIMEOUT_MS = 120_000;
const LIST_TIMEOUT_MS = 15_000;

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
  stop_reason: StopReason;
  usage: TokenUsage;
  /** What broke the answer off, as `ProblemError` writes it; only in a stream, whose beginning the client has. */
  problem?: object;
}

/** A whole answer. */
export interface Completion {
  head: CompletionHead;
  reply: ChatReply;
  end: CompletionEnd;
}

/** A piece of an answer: first its head, then what the model says, then its end, whose JSON begins with its type. */
export type CompletionPiece = ({ type: 'head' } & CompletionHead) | ChatEvent | ({ type: 'end' } & CompletionEnd);

/** Texts of which vectors are made. */
export interface EmbeddingCall extends EmbeddingRequest {
  /** How the vectors come: as numbers, or as little-endian 32-bit floats in base64. */
  encoding: 'float' | 'base64';
}

export interface EmbeddingHead extends CompletionHead {
  usage: TokenUsage;
}

/** First the head, then a vector per input, in its order. */
export type EmbeddingPiece = ({ type: 'head' } & EmbeddingHead) | { type: 'vector'; vector: number[] | string };

/** What `model` may be. */
export interface OfferedModel {
  /** `provider/model` or `agent:slug`. */
  id: string;
  /** When the provider or agent was added. */
  created_at: Timestamp;
  /** The provider's name, or `agent`. */
  owned_by: string;
}

/** Images come along in it, as long as one call to the orchestrator carries them. */
const COMPLETION_BODY = { bytes: limits.callBytes, values: limits.completionBodyValues };

/**
 * Models and agents, asked and answered in no API's terms: `libs/dialects` has the routes. `model` of a request is `provider/model` or
 * `agent:slug`.
 */
export const completionContract = contract('orchestrator.completion', {
  chat: {
    summary: 'Ask a model or an agent',
    access: 'runs:create',
    input: typed<ChatRequest>(),
    output: typed<Completion>(),
    long: true,
    cancellable: true,
    timeout_ms: ANSWER_TIMEOUT_MS,
    body: COMPLETION_BODY,
    limit: { tokens: true },
    effect: 'once',
  },
  stream: {
    summary: 'The same, piece by piece',
    access: 'runs:create',
    input: typed<ChatRequest>(),
    output: typed<CompletionPiece>(),
    long: true,
    stream: true,
    timeout_ms: ANSWER_TIMEOUT_MS,
    limit: { tokens: true },
    effect: 'once',
  },
  embed: {
    summary: 'Make vectors of texts',
    access: 'runs:create',
    input: typed<EmbeddingCall>(),
    output: typed<EmbeddingPiece>(),
    long: true,
    stream: true,
    timeout_ms: EMBEDDING_TIMEOUT_MS,
    body: COMPLETION_BODY,
    limit: { tokens: true },
    effect: 'once',
  },
  models: {
    summary: 'List what `model` may be: the models of the active providers, and the active agents',
    access: 'agents:read',
    input: Empty,
    output: typed<{ models: OfferedModel[] }>(),
    timeout_ms: LIST_TIMEOUT_MS,
    effect: 'safe',
  },
  model: {
    summary: 'Whether there is such a model or agent',
    access: 'agents:read',
    input: typed<{ id: string }>(),
    output: typed<OfferedModel>(),
    timeout_ms: LIST_TIMEOUT_MS,
    effect: 'safe',
  },
});
