import { ApiError } from '../api-error.ts';
import type { ChatRequest, Message, Piece, ToolCall, Usage } from '../chat.ts';
import { limit, record, text, textOf, type Json } from '../json.ts';
import { mediaOf } from '../media.ts';
import { bearer, CREATED, event, EVENT_STREAM, MODEL, type Exchange, type Format } from './format.ts';
import { readEmbedding, readFunctions, readMessages, readModel } from './messages.ts';

/** Where vendors that speak OpenAI's format differ. */
interface Dialect {
  kind: 'openai' | 'groq';
  prefix: string;
  /** The part of a message in which the reasoning is shown. */
  reasoning(text: string): object;
  /** Added to a whole answer, to a stream's first chunk and to its last one. */
  whole(exchange: Exchange): object;
  first(exchange: Exchange): object;
  last(exchange: Exchange): object;
}

export const chatCompletions = (dialect: Dialect): Format => ({
  kind: dialect.kind,
  routes: {
    chat: new RegExp(`^POST ${dialect.prefix}/chat/completions$`),
    models: new RegExp(`^GET ${dialect.prefix}/models$`),
    embeddings: new RegExp(`^POST ${dialect.prefix}/embeddings$`),
  },
  key: bearer,
  error: ({ status, message, code, param }) => {
    const type = status < 500 ? 'invalid_request_error' : 'server_error';
    return { status, body: { error: { message, type, param, code } } };
  },
  models: () => ({ object: 'list', data: [{ id: MODEL, object: 'model', created: created(), owned_by: 'sandbox' }] }),
  readChat,
  whole: (exchange) => whole(dialect, exchange),
  stream: (exchange) => stream(dialect, exchange),
  embeddings: {
    read: readEmbedding,
    whole: ({ request, vectors, call }) => ({
      object: 'list',
      model: request.model,
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: request.base64 ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector,
      })),
      usage: { prompt_tokens: call.prompt_tokens, total_tokens: call.prompt_tokens },
    }),
  },
});

export const openai = chatCompletions({
  kind: 'openai',
  prefix: '/v1',
  reasoning: () => ({}),
  whole: () => ({}),
  first: () => ({}),
  last: () => ({}),
});

const created = (): number => CREATED.getTime() / 1000;

function readChat(body: Json): ChatRequest {
  const { tools, tool_choice, stream, stream_options, max_completion_tokens, max_tokens, response_format } = body;
  const { type, json_schema } = record(response_format);
  return {
    model: readModel(body.model),
    messages: readMessages(body.messages, 'messages').map(readMessage),
    tools: readFunctions(tools),
    tool_choice:
      tool_choice === 'none' || tool_choice === 'required'
        ? tool_choice
        : typeof tool_choice === 'object' && tool_choice !== null
          ? { name: text(record(record(tool_choice).function).name) }
          : 'auto',
    stream: stream === true,
    include_usage: record(stream_options).include_usage === true,
    max_tokens: limit(max_completion_tokens ?? max_tokens),
    ...(type === 'json_object' && { schema: {} }),
    ...(type === 'json_schema' && { schema: record(record(json_schema).schema) }),
  };
}

const roles: Record<string, Message['role']> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};

function readMessage({ role, content, tool_calls, tool_call_id }: Json & { role: string }, index: number): Message {
  const known = Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (!known) throw new ApiError(400, `There is no role "${role}".`, { param: `messages.${index}.role` });
  return {
    role: known,
    content: textOf(content),
    ...mediaOf({ content }),
    ...(Array.isArray(tool_calls) && { tool_calls: tool_calls.map(readToolCall) }),
    ...(known === 'tool' && { tool_call_id: text(tool_call_id) }),
  };
}

function readToolCall(call: unknown): ToolCall {
  const { name, arguments: args } = record(record(call).function);
  return { id: text(record(call).id), name: text(name), arguments: text(args) };
}

export const toUsage = (usage: Usage): object => ({
  prompt_tokens: usage.prompt_tokens,
  completion_tokens: usage.completion_tokens,
  total_tokens: usage.prompt_tokens + usage.completion_tokens,
  ...(usage.cached_tokens !== undefined && { prompt_tokens_details: { cached_tokens: usage.cached_tokens } }),
  ...(usage.reasoning_tokens !== undefined && {
    completion_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
  }),
});

const envelope = ({ call, request }: Exchange, object: string): object => ({
  id: call.id,
  object,
  created: created(),
  model: request.model,
});

const toToolCall = ({ id, name, arguments: args }: ToolCall): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

function whole(dialect: Dialect, exchange: Exchange): object {
  const { reasoning, text: said, tool_calls, stop, usage } = exchange.answer;
  const message = {
    role: 'assistant',
    content: tool_calls.length > 0 ? null : said,
    refusal: null,
    ...(reasoning && dialect.reasoning(reasoning)),
    ...(tool_calls.length > 0 && { tool_calls: tool_calls.map(toToolCall) }),
  };
  return {
    ...envelope(exchange, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: stop }],
    ...(usage && { usage: toUsage(usage) }),
    ...dialect.whole(exchange),
  };
}

function stream(dialect: Dialect, exchange: Exchange) {
  const { answer, request } = exchange;
  const { usage } = answer;
  const head = envelope(exchange, 'chat.completion.chunk');
  const tellsUsage = request.include_usage && usage !== null;
  const chunk = (delta: object, finish_reason: string | null, more: object = {}): string => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    return event({ ...head, choices, ...(tellsUsage && { usage: null }), ...more });
  };
  return {
    ...EVENT_STREAM,
    start: () => chunk({ role: 'assistant', content: '' }, null, dialect.first(exchange)),
    piece: (piece: Piece) => {
      const delta = toDelta(dialect, piece);
      return Object.keys(delta).length > 0 ? chunk(delta, null) : '';
    },
    end: () =>
      chunk({}, answer.stop, dialect.last(exchange)) +
      (tellsUsage ? event({ ...head, choices: [], usage: toUsage(usage) }) : '') +
      'data: [DONE]\n\n',
  };
}

function toDelta(dialect: Dialect, piece: Piece): object {
  switch (piece.type) {
    case 'reasoning':
      return dialect.reasoning(piece.text);
    case 'text':
      return { content: piece.text };
    case 'call':
      return { tool_calls: [{ index: piece.index, ...toToolCall({ ...piece.call, arguments: '' }) }] };
    case 'arguments':
      return { tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] };
  }
}
