import type { TokenUsage } from '@taai/contracts';
import { integer, named, object, type TypeOf } from '../schema';

export const usage = named(
  'OpenAiUsage',
  object({
    prompt_tokens: integer(),
    completion_tokens: integer(),
    total_tokens: integer(),
    prompt_tokens_details: object({ cached_tokens: integer(), cache_write_tokens: integer() }),
    completion_tokens_details: object({ reasoning_tokens: integer() }),
  }),
);

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
