import type { ChatRequest, ProviderAdapter } from '../types';
interface RequestOptions {
  body?: unknown;
  stream?: boolean;
  signal: AbortSignal;
  timeout: number;
}
/** What is the same in the SDKs of those who speak OpenAI's format. */
interface FormatClient {
  get<Reply>(path: string, options: RequestOptions): PromiseLike<Reply>;
  post<Reply>(path: string, options: RequestOptions): PromiseLike<Reply>;
}
/** How a vendor that speaks the format differs from OpenAI. */
export interface Quirks {
  /** What the vendor calls a field of the request; `null`: it knows none such. */
  fields?: Record<string, string | null>;
  /** What it calls a `reasoning_effort`. */
  efforts?: Partial<Record<NonNullable<ChatRequest['reasoning_effort']>, string>>;
}
interface Format {
  client: FormatClient;
  /** The API key, to be kept out of errors. */
  secret: string;
  /** Before each path. */
  prefix?: string;
  quirks?: Quirks;
  /** Default: it has. */
  has_embeddings?: boolean;
}
export declare function speakOpenAI({ client, secret, prefix, quirks, has_embeddings }: Format): ProviderAdapter;
export {};
