import type { CompletionHead, TokenUsage } from '@taai/contracts';

/** Millisecond fractions that are worth telling. */
const DECIMALS = 1;
const UNWRITABLE = /[^\x20-\x7e]/g;

/**
 * Who answered, and how long we took ourselves. `x-cost-micro-usd` only where the cost is known before the body.
 *
 * @param elapsed milliseconds since the request came in
 */
export function answerHeaders(head: CompletionHead, elapsed: number, usage?: TokenUsage): Record<string, string> {
  return {
    'x-provider': head.provider,
    // Whatever an agent's fallback is called, it must fit into a header.
    'x-model': head.model.replace(UNWRITABLE, '?'),
    'x-overhead-ms': Math.max(0, elapsed - head.provider_ms).toFixed(DECIMALS),
    ...(usage && usage.cost_micro_usd !== null && { 'x-cost-micro-usd': String(usage.cost_micro_usd) }),
  };
}
