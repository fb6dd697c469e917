import type { Anthropic } from '@anthropic-ai/sdk';
import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';
import { systemTexts, thoughtsOf, toMessages } from './anthropic-messages';
import { ProviderError } from '../provider-error';
import type { ChatRequest, JsonObject, ToolDefinition } from '../types';

type Effort = NonNullable<ChatRequest['reasoning_effort']>;

const DEFAULT_MAX_TOKENS = 8192;
const LEAST_THINKING_TOKENS = 1024;

// Models before Claude 4.6 think by a budget of tokens and know neither `adaptive` nor `effort`; later ones refuse the budget.
const thinksByBudget = /^claude-(3-|[a-z]+-4-([0-5]|\d{8})(-|$))/;

/** Of `max_tokens`, which count thoughts too. */
const budgetShares: Record<Effort, number> = { minimal: 0, low: 0.25, medium: 0.5, high: 0.75 };

/** `temperature` and `top_p` are left out: since its version 2026-10-21 the API refuses them, whatever their value. */
export function toRequest(request: ChatRequest): Anthropic.MessageCreateParamsStreaming {
  const max_tokens = request.max_output_tokens ?? DEFAULT_MAX_TOKENS;
  return {
    model: request.model,
    max_tokens,
    messages: toMessages(request.messages),
    system: toSystem(request),
    stop_sequences: request.stop,
    metadata: request.user === undefined ? undefined : { user_id: request.user },
    ...(request.tools?.length && { tools: request.tools.map(toTool), tool_choice: toToolChoice(request) }),
    thinking: toThinking(request, max_tokens),
    output_config: toOutputConfig(request),
    stream: true,
  };
}

function toSystem({ messages, response_format }: ChatRequest): string | undefined {
  const texts = systemTexts(messages);
  // There is no mode for JSON of any shape.
  if (response_format?.type === 'json_object') texts.push('Answer with one JSON object and nothing else.');
  return texts.join('\n\n') || undefined;
}

const toTool = ({ name, description, input_schema }: ToolDefinition): Anthropic.Tool => ({
  name,
  description,
  input_schema: { ...input_schema, type: 'object' },
});

function toToolChoice({ tool_choice, parallel_tool_calls }: ChatRequest): Anthropic.ToolChoice | undefined {
  const alone = parallel_tool_calls === false ? { disable_parallel_tool_use: true } : {};
  if (tool_choice === 'none') return { type: 'none' };
  if (tool_choice === 'required') return { type: 'any', ...alone };
  if (typeof tool_choice === 'object') return { type: 'tool', name: tool_choice.name, ...alone };
  return tool_choice === 'auto' || parallel_tool_calls === false ? { type: 'auto', ...alone } : undefined;
}

function toThinking(request: ChatRequest, max_tokens: number): Anthropic.ThinkingConfigParam | undefined {
  const { model, reasoning_effort, tool_choice } = request;
  // A model that is made to call a tool cannot think first.
  if (!reasoning_effort || tool_choice === 'required' || typeof tool_choice === 'object') return undefined;
  if (!thinksByBudget.test(model)) return { type: 'adaptive', display: 'summarized' };
  const budget = Math.max(LEAST_THINKING_TOKENS, Math.floor(max_tokens * budgetShares[reasoning_effort]));
  if (budget >= max_tokens || resumesWithoutThoughts(request)) return undefined;
  return { type: 'enabled', budget_tokens: budget };
}

/** Calls that were made without thinking, by another vendor's model perhaps, cannot be gone on from with it. */
function resumesWithoutThoughts({ messages }: ChatRequest): boolean {
  const last = messages.findLast(({ role }) => role !== 'tool');
  return last?.role === 'assistant' && thoughtsOf(last.tool_calls?.[0]).length === 0;
}

function toOutputConfig({ model, reasoning_effort, response_format }: ChatRequest): Anthropic.OutputConfig | undefined {
  const config: Anthropic.OutputConfig = {};
  if (reasoning_effort && !thinksByBudget.test(model))
    config.effort = reasoning_effort === 'minimal' ? 'low' : reasoning_effort;
  if (response_format?.type === 'json_schema')
    config.format = { type: 'json_schema', schema: closeSchema(response_format.schema) };
  return Object.keys(config).length > 0 ? config : undefined;
}

/** Anthropic takes closed objects alone and few of the constraints; the SDK puts the others into descriptions. */
function closeSchema(schema: JsonObject): JsonObject {
  try {
    return transformJSONSchema(schema);
  } catch {
    throw new ProviderError('invalid_request', 'The schema of the answer is none that Anthropic can follow.');
  }
}
