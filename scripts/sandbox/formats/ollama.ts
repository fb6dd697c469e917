import { ApiError } from '../api-error.ts';
import type { ChatRequest, Message, Piece, ToolCall } from '../chat.ts';
import { limit, parseObject, record, text, type Json } from '../json.ts';
import { mediaOf } from '../media.ts';
import { bearer, CREATED, MODEL, type Exchange, type Format } from './format.ts';
import { readEmbedding, readFunctions, readMessages, readModel } from './messages.ts';

export const ollama: Format = {
  kind: 'ollama',
  routes: { chat: /^POST \/api\/chat$/, models: /^GET \/api\/tags$/, embeddings: /^POST \/api\/embed$/ },
  // At home it asks for none.
  key: (headers) => bearer(headers) ?? 'none',
  error: ({ status, message }) => ({ status, body: { error: message } }),
  models: () => ({
    models: [
      {
        name: MODEL,
        model: MODEL,
        modified_at: CREATED.toISOString(),
        size: 1,
        digest: 'sandbox',
        details: { format: 'sandbox', family: 'sandbox', parameter_size: '0B', quantization_level: '' },
      },
    ],
  }),
  readChat,
  whole: (exchange) => {
    const { reasoning, text: said, tool_calls } = exchange.answer;
    return ending(exchange, {
      content: said,
      ...(reasoning && { thinking: reasoning }),
      ...(tool_calls.length > 0 && { tool_calls: tool_calls.map(toToolCall) }),
    });
  },
  stream,
  embeddings: {
    read: readEmbedding,
    whole: ({ request, vectors, call }) => ({
      model: request.model,
      embeddings: vectors,
      prompt_eval_count: call.prompt_tokens,
      total_duration: 1,
      load_duration: 1,
    }),
  },
};

function readChat(body: Json): ChatRequest {
  const { tools, stream: streamed, format, options } = body;
  const { num_predict } = record(options);
  return {
    model: readModel(body.model),
    messages: readMessages(body.messages, 'messages').map(readMessage),
    tools: readFunctions(tools),
    tool_choice: 'auto',
    stream: streamed !== false,
    include_usage: true,
    // -1 and -2: no limit.
    max_tokens: typeof num_predict === 'number' && num_predict < 0 ? Infinity : limit(num_predict),
    ...(format === 'json' && { schema: {} }),
    ...(typeof format === 'object' && format !== null && { schema: record(format) }),
  };
}

function readMessage(
  { role, content, images, tool_calls, tool_name }: Json & { role: string },
  index: number,
): Message {
  if (role !== 'system' && role !== 'user' && role !== 'assistant' && role !== 'tool')
    throw new ApiError(400, `There is no role "${role}".`, { param: `messages.${index}.role` });
  return {
    role,
    content: text(content),
    ...mediaOf({ images }),
    ...(Array.isArray(tool_calls) && { tool_calls: tool_calls.map(readToolCall) }),
    ...(role === 'tool' && { tool_call_id: text(tool_name) }),
  };
}

function readToolCall(call: unknown): ToolCall {
  const { name, arguments: args } = record(record(call).function);
  return { id: '', name: text(name), arguments: JSON.stringify(args ?? {}) };
}

const toToolCall = ({ name, arguments: args }: ToolCall): object => ({
  function: { name, arguments: parseObject(args) },
});

const part = ({ request }: Exchange, message: object, more: object = { done: false }): object => ({
  model: request.model,
  created_at: CREATED.toISOString(),
  message: { role: 'assistant', content: '', ...message },
  ...more,
});

/** Durations are nanoseconds. */
const ending = (exchange: Exchange, message: object): object => {
  const { stop, usage } = exchange.answer;
  return part(exchange, message, {
    done: true,
    done_reason: stop === 'length' ? 'length' : 'stop',
    total_duration: 1,
    load_duration: 1,
    prompt_eval_duration: 1,
    eval_duration: 1,
    ...(usage && { prompt_eval_count: usage.prompt_tokens, eval_count: usage.completion_tokens }),
  });
};

/** A JSON document a line; calls come whole. */
function stream(exchange: Exchange) {
  const line = (document: object) => `${JSON.stringify(document)}\n`;
  return {
    content_type: 'application/x-ndjson',
    garbage: '{"broken": tr\n',
    start: () => '',
    piece: (piece: Piece) => {
      if (piece.type === 'reasoning') return line(part(exchange, { thinking: piece.text }));
      if (piece.type === 'text') return line(part(exchange, { content: piece.text }));
      return piece.type === 'arguments' && piece.is_last
        ? line(part(exchange, { tool_calls: [toToolCall(piece.call)] }))
        : '';
    },
    end: () => line(ending(exchange, {})),
  };
}
