import { call, streamCall, wholeCall } from '../call';
import { toVectors } from '../embeddings';
import { list, record, text } from '../json';
import { refuseFiles } from '../refuse-files';
import { OpenAIChunks, readUsage } from './openai-chunks';
import { toProviderError } from './openai-errors';
import { ProviderError } from '../provider-error';
import type {
  ChatMessage,
  ChatRequest,
  ContentPart,
  Embeddings,
  JsonObject,
  ProviderAdapter,
  ResponseFormat,
  ToolChoice,
} from '../types';

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
  /** Whether it takes PDFs. Default: it does. */
  takes_files?: boolean;
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

/** What makes a request one for a stream. */
const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** A whole answer, as a stream with one chunk would bring it. */
function asChunk(reply: unknown): unknown {
  const { choices, usage } = record(reply);
  const { message, finish_reason } = record(list(choices)[0]);
  return { choices: [{ delta: message, finish_reason }], usage };
}

export function speakOpenAI({
  client,
  secret,
  prefix = '',
  quirks = {},
  has_embeddings = true,
}: Format): ProviderAdapter {
  const toError = (error: unknown) => toProviderError(error, secret);
  return {
    stream: (request, options) => {
      if (quirks.takes_files === false) refuseFiles(request);
      const path = `${prefix}/chat/completions`;
      const body = adapt({ ...toChatBody(request), ...(!options.whole && STREAMED) }, quirks);
      const timeout = options.timeout_ms;
      if (options.whole)
        return wholeCall(options, toError, new OpenAIChunks(), async (signal) =>
          asChunk(await client.post(path, { body, signal, timeout })),
        );
      return streamCall(options, toError, new OpenAIChunks(), (signal) =>
        client.post<AsyncIterable<unknown>>(path, { body, stream: true, signal, timeout }),
      );
    },
    embed: ({ model, input, dimensions }, options) =>
      call(options, toError, async (signal) => {
        if (!has_embeddings) throw new ProviderError('invalid_request', 'The provider offers no embeddings.');
        // Vectors as base64, the SDK's default, are not what every vendor sends.
        const body = { model, input, dimensions, encoding_format: 'float' };
        const timeout = options.timeout_ms;
        return readEmbeddings(await client.post(`${prefix}/embeddings`, { body, signal, timeout }), input.length);
      }),
    models: (options) =>
      call(options, toError, async (signal) =>
        readModels(await client.get(`${prefix}/models`, { signal, timeout: options.timeout_ms })),
      ),
  };
}

function adapt(body: JsonObject, { fields = {}, efforts = {} }: Quirks): JsonObject {
  const adapted: JsonObject = { ...body };
  const effort = Object.entries(efforts).find(([name]) => name === body.reasoning_effort)?.[1];
  if (effort) adapted.reasoning_effort = effort;
  for (const [field, name] of Object.entries(fields)) {
    const value = adapted[field];
    delete adapted[field];
    if (name !== null) adapted[name] = value;
  }
  return adapted;
}

function readEmbeddings(reply: unknown, count: number): Embeddings {
  const { data, usage } = record(reply);
  const vectors = new Map<unknown, unknown>();
  for (const [place, value] of list(data).entries()) {
    const { index = place, embedding } = record(value);
    vectors.set(index, embedding);
  }
  const ordered = Array.from({ length: count }, (_, index) => vectors.get(index));
  return { vectors: toVectors(ordered, count), usage: readUsage(usage) };
}

/** Not by `client.models.list()`, which takes a page of HTML for an empty list. */
function readModels(reply: unknown): string[] {
  const { data } = record(reply);
  if (!Array.isArray(data))
    throw new ProviderError('unavailable', 'The provider answered with something that is no list of models.');
  return list(data).flatMap((model) => text(record(model).id) ?? []);
}

/** Chat completions as OpenAI has them, without the fields that are not given. */
function toChatBody(request: ChatRequest): JsonObject {
  const { tools = [] } = request;
  return {
    model: request.model,
    messages: request.messages.map(toMessage),
    temperature: request.temperature,
    top_p: request.top_p,
    max_completion_tokens: request.max_output_tokens,
    stop: request.stop,
    seed: request.seed,
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
    reasoning_effort: request.reasoning_effort,
    response_format: request.response_format && toResponseFormat(request.response_format),
    user: request.user,
    // Without tools both are an error.
    ...(tools.length > 0 && {
      tools: tools.map(toTool),
      tool_choice: request.tool_choice && toToolChoice(request.tool_choice),
      parallel_tool_calls: request.parallel_tool_calls,
    }),
  };
}

export const toTool = ({ name, description, input_schema }: NonNullable<ChatRequest['tools']>[number]) => ({
  type: 'function',
  function: { name, description, parameters: input_schema },
});

const toToolChoice = (choice: ToolChoice): unknown =>
  typeof choice === 'string' ? choice : { type: 'function', function: choice };

function toResponseFormat(format: ResponseFormat): JsonObject {
  if (format.type === 'json_object') return { type: 'json_object' };
  const { type, ...json_schema } = format;
  return { type, json_schema };
}

function toMessage(message: ChatMessage): JsonObject {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return { role: 'user', content: toContent(message.content) };
    case 'tool':
      return { role: 'tool', tool_call_id: message.tool_call_id, content: message.content };
    case 'assistant':
      return toAnswer(message);
  }
}

const toContent = (content: string | ContentPart[]): unknown =>
  typeof content === 'string' ? content : content.map(toPart);

function toPart(part: ContentPart): object {
  switch (part.type) {
    case 'text':
      return part;
    case 'image':
      return { type: 'image_url', image_url: { url: part.url } };
    case 'file': {
      const { filename, media_type, data } = part;
      return { type: 'file', file: { filename, file_data: `data:${media_type};base64,${data}` } };
    }
  }
}

function toAnswer({ content, tool_calls = [] }: Extract<ChatMessage, { role: 'assistant' }>): JsonObject {
  if (tool_calls.length === 0) return { role: 'assistant', content };
  return {
    role: 'assistant',
    content: content || null,
    tool_calls: tool_calls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments || '{}' },
    })),
  };
}
