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

/** What clients send. `read` throws a ProblemError with the field at fault. */
export interface RequestShape<Asked> {
  schema: Schema;
  read(input: unknown): Asked;
}

/** What clients get: JSON. */
export interface ReplyShape<Answer extends unknown[]> {
  schema: Schema;
  write(...answer: Answer): string;
}

/** What every dialect says: whose words a route speaks. */
interface Spoken {
  /** Names the operation in the API document, and its kind of API to people: `openai-chat`. */
  name: string;
  http: Route;
  summary: string;
  error: ReplyShape<[ProblemError]>;
}

/** What a client asks a model. A dialect may keep more of it for its answer. */
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

export interface ChatDialect<Asked extends ChatAsked = ChatAsked> extends Spoken {
  kind: 'chat';
  request: RequestShape<Asked>;
  stream: StreamShape<Asked>;
  reply: ReplyShape<[Completion, Asked]>;
}

/** Together the vectors may be larger than what anybody should hold: the reply is written piece by piece. */
export interface VectorsShape {
  schema: Schema;
  begin(head: EmbeddingHead): string;
  /** @param vector its JSON: numbers, or base64 as a text */
  vector(vector: string, index: number): string;
  end(): string;
}

export interface EmbeddingsDialect extends Spoken {
  kind: 'embeddings';
  request: RequestShape<EmbeddingCall>;
  reply: VectorsShape;
}

/** The list of all that `model` may be. */
export interface ModelsDialect extends Spoken {
  kind: 'models';
  request: RequestShape<object>;
  reply: ReplyShape<[OfferedModel[]]>;
}

/** One of them, by its id. */
export interface ModelDialect extends Spoken {
  kind: 'model';
  request: RequestShape<{ id: string }>;
  reply: ReplyShape<[OfferedModel]>;
}

/** How an API that clients speak is spoken at one route. */
export type Dialect = ChatDialect | EmbeddingsDialect | ModelsDialect | ModelDialect;
