import type {
  Completion,
  CompletionEnd,
  CompletionHead,
  EmbeddingCall,
  EmbeddingHead,
  OfferedModel,
  ProblemError,
  Route,
} from '@taai/contracts';
import type { ChatRequest } from '@taai/providers';
import type { Schema } from './schema';

/** What clients send. `read` validates it and throws a ProblemError with the field at fault. */
export interface RequestShape<Asked> {
  schema: Schema;
  read(input: unknown): Asked;
}

/** What clients get: JSON. */
export interface ReplyShape<Answer extends unknown[]> {
  schema: Schema;
  write(...answer: Answer): string;
}

/** What the dialects of all kinds have. */
interface DialectBase {
  /** The API, as `openai-chat`; the operation has this id in the API document. */
  name: string;
  http: Route;
  summary: string;
  error: ReplyShape<[ProblemError]>;
}

/** What a client asks of a model. A dialect may add what its answer depends on. */
export interface ChatAsked {
  request: ChatRequest;
  /** Whether the client wants the answer piece by piece. */
  stream: boolean;
}

/** Writes one answer as server-sent events. */
export interface ChatWriter {
  /** What comes before all events. */
  begin(): string;
  /** @param event JSON of a `ChatEvent` */
  event(event: string): string;
  end(end: CompletionEnd): string;
}

export interface StreamShape<Asked> {
  open(head: CompletionHead, asked: Asked): ChatWriter;
  /** What is told when the answer breaks off without an end, perhaps before its head. */
  fail(problem: ProblemError): string;
}

export interface ChatDialect<Asked extends ChatAsked = ChatAsked> extends DialectBase {
  kind: 'chat';
  request: RequestShape<Asked>;
  stream: StreamShape<Asked>;
  reply: ReplyShape<[Completion, Asked]>;
}

/** The reply is written vector by vector: together they may be larger than what anybody should hold. */
export interface VectorsShape {
  schema: Schema;
  begin(head: EmbeddingHead): string;
  /** @param vector its JSON: numbers, or base64 as a text */
  vector(vector: string, index: number): string;
  end(): string;
}

export interface EmbeddingsDialect extends DialectBase {
  kind: 'embeddings';
  request: RequestShape<EmbeddingCall>;
  reply: VectorsShape;
}

/** The list of all that `model` may be. */
export interface ModelsDialect extends DialectBase {
  kind: 'models';
  request: RequestShape<object>;
  reply: ReplyShape<[OfferedModel[]]>;
}

/** One of them, by its id. */
export interface ModelDialect extends DialectBase {
  kind: 'model';
  request: RequestShape<{ id: string }>;
  reply: ReplyShape<[OfferedModel]>;
}

/** A route of an API that clients speak: what they send there, and what they get. */
export type Dialect = ChatDialect | EmbeddingsDialect | ModelsDialect | ModelDialect;
