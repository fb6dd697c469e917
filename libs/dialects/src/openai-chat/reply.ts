import type { Completion, CompletionEnd, CompletionHead, TokenUsage } from '@taai/contracts';
import type { ToolCall } from '@taai/providers';
import type { ReplyShape } from '../dialect';
import {
  anyObject,
  described,
  integer,
  list,
  named,
  nullable,
  object,
  oneOf,
  text,
  written,
  type TypeOf,
} from '../schema';
import { withOpaque } from './opaque-call-id';

export const created = described('Seconds since 1970.', integer());

const toolCall = object({
  id: text(),
  type: oneOf('function'),
  function: object({ name: text(), arguments: text() }),
});

const message = named(
  'OpenAiMessage',
  written(
    { role: oneOf('assistant'), content: nullable(text()), refusal: nullable(text()) },
    { reasoning_content: text({ description: 'What the model thought aloud.' }), tool_calls: list(toolCall) },
  ),
);

const choice = named(
  'OpenAiChoice',
  object({
    index: integer(),
    message,
    logprobs: nullable(anyObject()),
    finish_reason: oneOf('stop', 'length', 'tool_calls', 'content_filter'),
  }),
);

const usage = named(
  'OpenAiUsage',
  object({
    prompt_tokens: integer(),
    completion_tokens: integer(),
    total_tokens: integer(),
    prompt_tokens_details: object({ cached_tokens: integer(), cache_write_tokens: integer() }),
    completion_tokens_details: object({ reasoning_tokens: integer() }),
  }),
);

const schema = named(
  'OpenAiChatCompletion',
  object({
    id: text(),
    object: oneOf('chat.completion'),
    created,
    model: text({ description: '`provider/model` of who answered.' }),
    choices: list(choice),
    usage,
  }),
);

export const secondsNow = (): number => Math.floor(Date.now() / 1000);

export const modelName = ({ provider, model }: CompletionHead): string => `${provider}/${model}`;

export const finishReason = ({ stop_reason }: CompletionEnd) => (stop_reason === 'other' ? 'stop' : stop_reason);

/** OpenAI counts what came from or went to a cache as prompt, and reasoning as completion. What nobody told is 0 here. */
export function usageOf(told: TokenUsage): TypeOf<typeof usage> {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = told;
  const prompt_tokens = (input_tokens ?? 0) + (cache_read_tokens ?? 0) + (cache_write_tokens ?? 0);
  const completion_tokens = (output_tokens ?? 0) + (reasoning_tokens ?? 0);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: cache_read_tokens ?? 0, cache_write_tokens: cache_write_tokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: reasoning_tokens ?? 0 },
  };
}

/** A whole answer. */
export const chatCompletion: ReplyShape<[Completion]> = {
  schema,
  write: (completion) => JSON.stringify(toCompletion(completion)),
};

function toCompletion({ head, reply: { text, reasoning, tool_calls }, end }: Completion): TypeOf<typeof schema> {
  const message = {
    role: 'assistant' as const,
    content: text === '' && tool_calls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(tool_calls.length > 0 && { tool_calls: tool_calls.map(toToolCall) }),
  };
  return {
    id: `chatcmpl-${head.call_id}`,
    object: 'chat.completion',
    created: secondsNow(),
    model: modelName(head),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(end) }],
    usage: usageOf(end.usage),
  };
}

const toToolCall = ({ id, name, arguments: json, opaque }: ToolCall) => ({
  id: withOpaque(id, opaque),
  type: 'function' as const,
  function: { name, arguments: json },
});
