import type { IncomingHttpHeaders } from 'node:http';
import type { ApiError } from '../api-error.ts';
import type { SandboxKind } from '../base-url.ts';
import type { Call } from '../calls.ts';
import type { Answer, ChatRequest, EmbeddingRequest } from '../chat.ts';
import type { Json } from '../json.ts';
import type { Stream } from '../transport.ts';

export const MODEL = 'sandbox-1';
/** When the model was made, as far as its answers tell. */
export const CREATED = new Date('2026-01-01T00:00:00Z');

/** What was asked, what is answered, and the call that both belong to. */
export interface Exchange {
  request: ChatRequest;
  answer: Answer;
  call: Call;
}

export interface EmbeddingExchange {
  request: EmbeddingRequest;
  vectors: number[][];
  call: Call;
}

/** What a path says of a call: named groups of the pattern in `Format.routes`. */
export type Path = Record<string, string | undefined>;

/** A vendor's wire format: it reads and writes, and decides nothing. */
export interface Format {
  kind: SandboxKind;
  /** Patterns of method and path, such as `POST /v1/messages`. */
  routes: { chat: RegExp; models: RegExp; embeddings?: RegExp };
  /** The caller's key, if there is one; where none is needed, anything. */
  key(headers: IncomingHttpHeaders): string | undefined;
  error(error: ApiError): { status: number; body: object };
  models(): object;
  /** @throws ApiError */
  readChat(body: Json, path: Path): ChatRequest;
  whole(exchange: Exchange): object;
  stream(exchange: Exchange): Stream;
  embeddings?: {
    /** @throws ApiError */
    read(body: Json, path: Path): EmbeddingRequest;
    whole(exchange: EmbeddingExchange): object;
  };
}

export const bearer = ({ authorization = '' }: IncomingHttpHeaders): string | undefined =>
  /^Bearer +(\S+)$/.exec(authorization)?.[1];

/** An event stream's frame. */
export const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

/** No event is JSON. */
export const EVENT_STREAM = { content_type: 'text/event-stream; charset=utf-8', garbage: 'data: {"broken": tr\n\n' };
