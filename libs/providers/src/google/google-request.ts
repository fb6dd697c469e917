import {
  FunctionCallingMode,
  type FunctionDeclaration,
  type GenerateContentRequest,
  type GenerationConfig,
  type ToolConfig,
} from '@google/generative-ai';
import { toContents } from './google-contents';
import type { ChatRequest, JsonObject, ToolDefinition } from '../types';

type Effort = NonNullable<ChatRequest['reasoning_effort']>;

/** The SDK's types are older than these. */
interface Declaration extends FunctionDeclaration {
  parametersJsonSchema: JsonObject;
}

interface Config extends GenerationConfig {
  seed?: number;
  responseJsonSchema?: JsonObject;
  thinkingConfig?: { includeThoughts: true; thinkingLevel?: string; thinkingBudget?: number };
}

// Gemini 2.5 thinks by a budget of tokens, later models by a level, and each refuses the other's.
const thinksByBudget = /gemini-2\b/;
const budgets: Record<Effort, number> = { minimal: 1024, low: 1024, medium: 8192, high: 24_576 };
/** `minimal` exists, but most models refuse it. */
const levels: Record<Effort, string> = { minimal: 'low', low: 'low', medium: 'medium', high: 'high' };

export function toRequest(request: ChatRequest): GenerateContentRequest {
  const system = request.messages.flatMap(({ role, content }) => (role === 'system' && content ? [content] : []));
  return {
    contents: toContents(request.messages, request.model),
    generationConfig: toConfig(request),
    ...(system.length > 0 && { systemInstruction: system.join('\n\n') }),
    ...(request.tools?.length && {
      tools: [{ functionDeclarations: request.tools.map(toDeclaration) }],
      toolConfig: toToolConfig(request.tool_choice),
    }),
  };
}

function toConfig({ model, response_format, reasoning_effort, ...request }: ChatRequest): Config {
  return {
    temperature: request.temperature,
    topP: request.top_p,
    maxOutputTokens: request.max_output_tokens,
    stopSequences: request.stop,
    seed: request.seed,
    frequencyPenalty: request.frequency_penalty,
    presencePenalty: request.presence_penalty,
    ...(response_format && { responseMimeType: 'application/json' }),
    ...(response_format?.type === 'json_schema' && { responseJsonSchema: response_format.schema }),
    ...(reasoning_effort && { thinkingConfig: toThinking(model, reasoning_effort) }),
  };
}

const toThinking = (model: string, effort: Effort): Config['thinkingConfig'] => ({
  includeThoughts: true,
  ...(thinksByBudget.test(model) ? { thinkingBudget: budgets[effort] } : { thinkingLevel: levels[effort] }),
});

const toDeclaration = ({ name, description, input_schema }: ToolDefinition): Declaration => ({
  name,
  description,
  parametersJsonSchema: input_schema,
});

function toToolConfig(tool_choice: ChatRequest['tool_choice']): ToolConfig | undefined {
  if (tool_choice === undefined) return undefined;
  const functionCallingConfig =
    typeof tool_choice === 'object'
      ? { mode: FunctionCallingMode.ANY, allowedFunctionNames: [tool_choice.name] }
      : { mode: modes[tool_choice] };
  return { functionCallingConfig };
}

const modes = {
  auto: FunctionCallingMode.AUTO,
  none: FunctionCallingMode.NONE,
  required: FunctionCallingMode.ANY,
};
