import type { ChatMessage, ChatRequest } from '@taai/providers';
import { roughPromptTokens } from '../../accounting/usage-estimate';
import type { LoadedTool } from '../../tool/tool-box';
import type { HeldRun } from './held-run';
import { RunFailure } from './run-failure';

/** How many times a run may call a model when its agent sets no limit. */
export const DEFAULT_MAX_STEPS = 20;
/** Estimated tokens of all that a model would be shown: more than any reads, and than a replica should hold of one run. */
const MAX_PROMPT_TOKENS = 2_000_000;

/** The limit that keeps a run from asking a model once more; undefined when there is none. */
export function limitOf({ row, steps, messages }: HeldRun): RunFailure | undefined {
  const { max_steps = DEFAULT_MAX_STEPS, max_cost_micro_usd = null } = row.state;
  if (steps.length >= max_steps)
    return new RunFailure('step_limit', `The run has taken the ${max_steps} steps that its agent allows.`);
  if (max_cost_micro_usd !== null && (row.usage?.cost_micro_usd ?? 0) >= max_cost_micro_usd)
    return new RunFailure('budget_exceeded', 'The run has spent what its agent allows.');
  if (roughPromptTokens({ messages }) > MAX_PROMPT_TOKENS)
    return new RunFailure(
      'conversation_too_long',
      'What was said, and what tools answered, is more than any model reads.',
    );
  return undefined;
}

/** The request for the next answer of a model, which is shown these messages. */
export function requestOf(
  { row }: HeldRun,
  messages: ChatMessage[],
  tools: readonly LoadedTool[],
): Omit<ChatRequest, 'model'> {
  const { temperature, max_output_tokens, parameters, output_schema } = row.state;
  return {
    ...parameters,
    messages,
    ...(temperature !== null && { temperature }),
    ...(max_output_tokens !== null && { max_output_tokens }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, input_schema }) => ({ name, description, input_schema })),
    }),
    ...(output_schema && { response_format: { type: 'json_schema' as const, name: 'answer', schema: output_schema } }),
  };
}
