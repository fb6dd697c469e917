import { count, record } from '../json';
import type { Usage } from '../types';

/**
 * Gemini's `usageMetadata`. Caches are part of the prompt, what the vendor's own tools read is apart from it, and thoughts are apart from
 * the answer. Zeros are left out of it: where there is a total, the answer is what the total has beyond the rest.
 */
export function readUsage(value: unknown): Usage | null {
  const usage = record(value);
  const prompt = count(usage.promptTokenCount);
  const answer = count(usage.candidatesTokenCount);
  if (prompt === null && answer === null) return null;
  const read = (prompt ?? 0) + (count(usage.toolUsePromptTokenCount) ?? 0);
  const cached = count(usage.cachedContentTokenCount);
  const cache_read = cached === null ? null : Math.min(cached, prompt ?? 0);
  const beyond = (count(usage.totalTokenCount) ?? -1) - read;
  const written = beyond >= 0 ? beyond : null;
  const reasoning = reasoningOf(written, answer, count(usage.thoughtsTokenCount));
  return {
    input_tokens: prompt === null ? null : read - (cache_read ?? 0),
    cache_read_tokens: cache_read,
    cache_write_tokens: null,
    output_tokens: written === null ? answer : written - (reasoning ?? 0),
    reasoning_tokens: reasoning,
  };
}

/** @param written All tokens that the model wrote, if there is a total. */
function reasoningOf(written: number | null, answer: number | null, thoughts: number | null): number | null {
  if (thoughts !== null) return Math.min(thoughts, written ?? thoughts);
  return written !== null && answer !== null && written > answer ? written - answer : null;
}
