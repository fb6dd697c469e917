import { readDirectives, withoutDirectives, words, type Directives } from './directives.ts';

export interface ChatMessage {
  role: string;
  content: string;
}

export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  stream: boolean;
  include_usage: boolean;
  max_tokens: number;
  directives: Directives;
}

/** An error in OpenAI's shape. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly retry_after?: number;

  constructor(
    status: number,
    message: string,
    details: { type?: string; code?: string; param?: string; retry_after?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.type = details.type ?? (status < 500 ? 'invalid_request_error' : 'server_error');
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.retry_after = details.retry_after;
  }
}

export const MODEL = 'sandbox-1';
const QUOTED_WORDS = 200;

/** @throws ApiError */
export function readChatRequest(body: unknown): ChatRequest {
  const { model, messages: sent, stream, stream_options, max_completion_tokens, max_tokens } = record(body);
  if (typeof model !== 'string') throw new ApiError(400, 'You must provide a model.', { param: 'model' });
  if (withoutDirectives(model) !== MODEL)
    throw new ApiError(404, `The model "${model}" does not exist; there is ${MODEL}.`, { code: 'model_not_found' });
  const messages = readMessages(sent);
  return {
    model,
    messages,
    stream: stream === true,
    include_usage: record(stream_options).include_usage === true,
    max_tokens: Number(max_completion_tokens ?? max_tokens ?? Infinity),
    directives: steer(model, lastUserMessage(messages)),
  };
}

/** The answer, one element a token. */
export function answer({ messages, directives: { tokens } }: ChatRequest): string[] {
  const heard = words(withoutDirectives(lastUserMessage(messages)));
  const quote = heard.length > QUOTED_WORDS ? [...heard.slice(0, QUOTED_WORDS), '…'] : heard;
  const reply = words(
    `You wrote: “${quote.join(' ')}”. I am the sandbox model: I quote what I hear, word by word, so that everything can be tried ` +
      'without a key. Add a provider with a key of yours, and a real model answers here.',
  );
  return tokens === undefined ? reply : Array.from({ length: tokens }, (_, index) => reply[index % reply.length] ?? '');
}

export const promptTokens = (messages: ChatMessage[]): number =>
  messages.reduce((total, { content }) => total + words(content).length, 0);

function steer(...texts: string[]): Directives {
  try {
    return readDirectives(...texts);
  } catch (error) {
    throw new ApiError(400, error instanceof Error ? error.message : 'A directive is wrong.', {
      code: 'sandbox_directive',
    });
  }
}

const lastUserMessage = (messages: ChatMessage[]): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';

function readMessages(sent: unknown): ChatMessage[] {
  if (!Array.isArray(sent) || sent.length === 0)
    throw new ApiError(400, 'You must provide at least one message.', { param: 'messages' });
  return sent.map((message: unknown, index) => {
    const { role, content } = record(message);
    if (typeof role !== 'string')
      throw new ApiError(400, 'A message must have a role.', { param: `messages.${index}.role` });
    return { role, content: textOf(content) };
  });
}

/** A message's content is text, or a list of parts of which some are text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts: unknown[] = Array.isArray(content) ? content : [];
  return parts
    .map((part) => record(part).text)
    .filter((text) => typeof text === 'string')
    .join(' ');
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
