import { ApiError } from '../api-error.ts';
import type { Answer, ChatRequest, Message, Piece, ToolCall } from '../chat.ts';
import { limit, list, parseObject, record, text, textOf, type Json } from '../json.ts';
import { mediaOf } from '../media.ts';
import { bearer, CREATED, EVENT_STREAM, MODEL, type Exchange, type Format } from './format.ts';
import { readMessages, readModel } from './messages.ts';

export const anthropic: Format = {
  kind: 'anthropic',
  routes: { chat: /^POST \/v1\/messages$/, models: /^GET \/v1\/models$/ },
  key: (headers) => text(headers['x-api-key']) || bearer(headers),
  error: ({ status, message }) => ({
    status,
    body: { type: 'error', error: { type: errorTypes[status] ?? otherError(status), message }, request_id: null },
  }),
  models: () => ({
    data: [{ type: 'model', id: MODEL, display_name: 'Sandbox', created_at: CREATED.toISOString() }],
    has_more: false,
    first_id: MODEL,
    last_id: MODEL,
  }),
  readChat,
  whole,
  stream,
};

const errorTypes: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};
const otherError = (status: number): string => (status < 500 ? 'invalid_request_error' : 'api_error');

function readChat(body: Json): ChatRequest {
  const { system, tools, tool_choice, max_tokens, output_config } = body;
  const { type, name } = record(tool_choice);
  const { type: output, schema } = record(record(output_config).format);
  if (typeof max_tokens !== 'number') throw new ApiError(400, 'max_tokens: Field required', { param: 'max_tokens' });
  const messages = readMessages(body.messages, 'messages').flatMap(readMessage);
  return {
    model: readModel(body.model),
    messages: textOf(system) ? [{ role: 'system', content: textOf(system) }, ...messages] : messages,
    tools: list(tools).map((tool) => ({
      name: text(record(tool).name),
      schema: record(record(tool).input_schema),
    })),
    tool_choice:
      type === 'tool' ? { name: text(name) } : type === 'any' ? 'required' : type === 'none' ? 'none' : 'auto',
    stream: body.stream === true,
    include_usage: true,
    max_tokens: limit(max_tokens),
    ...(output === 'json_schema' && { schema: record(schema) }),
  };
}

/** What the user sends may be the results of tools, text, or both. */
function readMessage({ role, content }: Json & { role: string }, index: number): Message[] {
  const blocks = list(content).map(record);
  const said = { content: textOf(content), ...mediaOf({ content }) };
  if (role === 'system') return [{ role, ...said }];
  if (role === 'assistant') {
    const tool_calls = blocks.filter(({ type }) => type === 'tool_use').map(readToolUse);
    return [{ role, ...said, ...(tool_calls.length > 0 && { tool_calls }) }];
  }
  if (role !== 'user') throw new ApiError(400, `There is no role "${role}".`, { param: `messages.${index}.role` });
  const results: Message[] = blocks
    .filter(({ type }) => type === 'tool_result')
    .map((block) => ({ role: 'tool', content: textOf(block.content), tool_call_id: text(block.tool_use_id) }));
  const hasText = results.length === 0 || said.content !== '';
  return [...results, ...(hasText ? [{ role, ...said } as const] : [])];
}

const readToolUse = ({ id, name, input }: Json): ToolCall => ({
  id: text(id),
  name: text(name),
  arguments: JSON.stringify(input ?? {}),
});

const stopReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' };

/** What came from the cache is no input here. */
function toUsage({ usage }: Answer, output_tokens = usage?.completion_tokens): object {
  if (!usage) return {};
  const { prompt_tokens, cached_tokens = 0, reasoning_tokens } = usage;
  return {
    usage: {
      input_tokens: prompt_tokens - cached_tokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: cached_tokens,
      output_tokens,
      ...(reasoning_tokens !== undefined && { output_tokens_details: { thinking_tokens: reasoning_tokens } }),
    },
  };
}

const envelope = ({ call, request }: Exchange): object => ({
  id: call.id,
  type: 'message',
  role: 'assistant',
  model: request.model,
});

const SIGNATURE = 'c2FuZGJveA==';

function whole(exchange: Exchange): object {
  const { reasoning, text: said, tool_calls, stop } = exchange.answer;
  const content = [
    ...(reasoning ? [{ type: 'thinking', thinking: reasoning, signature: SIGNATURE }] : []),
    ...(said ? [{ type: 'text', text: said, citations: null }] : []),
    ...tool_calls.map(({ id, name, arguments: args }) => ({ type: 'tool_use', id, name, input: parseObject(args) })),
  ];
  const ended = { stop_reason: stopReasons[stop], stop_sequence: null };
  return { ...envelope(exchange), content, ...ended, ...toUsage(exchange.answer) };
}

const event = (data: { type: string; [field: string]: unknown }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

function stream(exchange: Exchange) {
  const { answer } = exchange;
  const blocks = new Blocks();
  return {
    ...EVENT_STREAM,
    garbage: `event: content_block_delta\n${EVENT_STREAM.garbage}`,
    start: () => {
      const open = { content: [], stop_reason: null, stop_sequence: null };
      return event({
        type: 'message_start',
        message: { ...envelope(exchange), ...open, ...toUsage(answer, 1) },
      });
    },
    piece: (piece: Piece) => blocks.piece(piece),
    end: () => {
      const delta = { stop_reason: stopReasons[answer.stop], stop_sequence: null };
      const ended = { type: 'message_delta', delta, ...toUsage(answer) };
      return blocks.close() + event(ended) + event({ type: 'message_stop' });
    },
  };
}

/** The content blocks of a stream: one for the reasoning, one for the text, one for each call, each opened and closed. */
class Blocks {
  private index = -1;
  private open: Piece['type'] | undefined;

  piece(piece: Piece): string {
    const { type } = piece;
    if (type === 'arguments') return this.event('content_block_delta', { delta: toDelta(piece) });
    const opened = type === 'call' || this.open !== type ? this.start(piece) : '';
    return type === 'call' ? opened : opened + this.event('content_block_delta', { delta: toDelta(piece) });
  }

  close(): string {
    if (this.open === undefined) return '';
    const signature = { type: 'signature_delta', signature: SIGNATURE };
    const signed = this.open === 'reasoning' ? this.event('content_block_delta', { delta: signature }) : '';
    this.open = undefined;
    return signed + this.event('content_block_stop', {});
  }

  private start(piece: Piece): string {
    const closed = this.close();
    this.index++;
    this.open = piece.type;
    return closed + this.event('content_block_start', { content_block: toBlock(piece) });
  }

  private event(type: string, more: object): string {
    return event({ type, index: this.index, ...more });
  }
}

function toBlock(piece: Piece): object {
  if ('call' in piece) return { type: 'tool_use', id: piece.call.id, name: piece.call.name, input: {} };
  return piece.type === 'text'
    ? { type: 'text', text: '', citations: null }
    : { type: 'thinking', thinking: '', signature: '' };
}

function toDelta(piece: Exclude<Piece, { type: 'call' }>): object {
  switch (piece.type) {
    case 'reasoning':
      return { type: 'thinking_delta', thinking: piece.text };
    case 'text':
      return { type: 'text_delta', text: piece.text };
    case 'arguments':
      return { type: 'input_json_delta', partial_json: piece.text };
  }
}
