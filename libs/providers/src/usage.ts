import { count, record } from './json';
import type { Usage } from './types';

/**
 * Usage in OpenAI's wire format, where caches are part of `prompt_tokens` and reasoning is part of `completion_tokens`. Some who speak the
 * format leave reasoning out of `completion_tokens`; it is then what the total has beyond the two.
 */
export function readUsage(value: unknown): Usage | null {
  const usage = record(value);
  const prompt = count(usage.prompt_tokens);
  const completion = count(usage.completion_tokens);
  if (prompt === null && completion === null) return null;
  const { cached_tokens, cache_write_tokens } = record(usage.prompt_tokens_details);
  const cache_read = atMost(prompt, count(cached_tokens));
  const cache_write = atMost(less(prompt, cache_read), count(cache_write_tokens));
  const beyond = (count(usage.total_tokens) ?? 0) - (prompt ?? 0) - (completion ?? 0);
  const told = count(record(usage.completion_tokens_details).reasoning_tokens);
  const reasoning = beyond > 0 ? beyond : atMost(completion, told);
  return {
    input_tokens: less(less(prompt, cache_read), cache_write),
    cache_read_tokens: cache_read,
    cache_write_tokens: cache_write,
    output_tokens: beyond > 0 ? completion : less(completion, reasoning),
    reasoning_tokens: reasoning,
  };
}

/** A part cannot exceed its whole, whatever was reported: the sum has to stay the provider's. */
const atMost = (whole: number | null, part: number | null): number | null =>
  part === null ? null : Math.min(whole ?? 0, part);

const less = (whole: number | null, part: number | null): number | null =>
  whole === null ? null : whole - (part ?? 0);
