import { count, record } from '../json';
import type { Usage } from '../types';

/**
 * Usage as told at the start of a message and, cumulatively, at its end. Caches are apart from `input_tokens`; thoughts are part of
 * `output_tokens`, and told apart at times.
 */
export function readUsage(start: unknown, end: unknown): Usage | null {
  const [begun, ended] = [record(start), record(end)];
  const told = (key: string): number | null => count(ended[key]) ?? count(begun[key]);
  const input = told('input_tokens');
  // What the start says of the output is no more than its first token.
  const output = count(ended.output_tokens);
  if (input === null && output === null) return null;
  const thinking = count(record(ended.output_tokens_details).thinking_tokens);
  const reasoning = output === null || thinking === null ? null : Math.min(thinking, output);
  return {
    input_tokens: input,
    cache_read_tokens: told('cache_read_input_tokens'),
    cache_write_tokens: told('cache_creation_input_tokens'),
    output_tokens: output === null ? null : output - (reasoning ?? 0),
    reasoning_tokens: reasoning,
  };
}
