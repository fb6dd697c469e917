import type { TokenUsage } from '@taai/contracts';
import { ProviderError, type ChatMessage, type Usage } from '@taai/providers';
import type { ModelReply } from './model-call';

const CHARACTERS_PER_TOKEN = 4;
/** What vendors add to each message for its role and its ends. */
const TOKENS_PER_MESSAGE = 4;

/** What a call used of which the provider told nothing: the prompt by its length, the answer by its pieces, usually a token each. */
export function estimateUsage(messages: readonly ChatMessage[], pieces: number): Usage {
  const tokens = messages.map(
    ({ content }) => TOKENS_PER_MESSAGE + Math.ceil(lengthOf(content) / CHARACTERS_PER_TOKEN),
  );
  return buckets(
    tokens.reduce((sum, count) => sum + count, 0),
    pieces,
  );
}

const lengthOf = (content: ChatMessage['content']): number =>
  typeof content === 'string'
    ? content.length
    : content.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);

/** What a reply is accounted for: the provider's figures, else an estimate; nothing for a request that was refused. */
export function accountFor(reply: ModelReply, messages: readonly ChatMessage[]): Usage & { is_estimated: boolean } {
  if (reply.usage) return { ...reply.usage, is_estimated: false };
  return { ...(wasRefused(reply) ? buckets(0, 0) : estimateUsage(messages, reply.pieces)), is_estimated: true };
}

/** Without an answer to it, a request that broke off may have been worked on all the same. */
function wasRefused({ failure, pieces }: ModelReply): boolean {
  if (!(failure instanceof ProviderError) || pieces > 0) return false;
  return failure.status !== null || !['aborted', 'timeout', 'unavailable'].includes(failure.code);
}

const buckets = (input_tokens: number, output_tokens: number): Usage => ({
  input_tokens,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens,
  reasoning_tokens: null,
});

/** What two calls of a run used together. What is known of one alone is the sum. */
export function addUsage(one: TokenUsage | null, other: TokenUsage): TokenUsage {
  if (!one) return other;
  const sum = (key: Exclude<keyof TokenUsage, 'is_estimated'>) => {
    const known = [one[key], other[key]].filter((count) => count !== null);
    return known.length === 0 ? null : known.reduce((total, count) => total + count, 0);
  };
  return {
    input_tokens: sum('input_tokens'),
    cache_read_tokens: sum('cache_read_tokens'),
    cache_write_tokens: sum('cache_write_tokens'),
    output_tokens: sum('output_tokens'),
    reasoning_tokens: sum('reasoning_tokens'),
    cost_micro_usd: sum('cost_micro_usd'),
    is_estimated: one.is_estimated || other.is_estimated,
  };
}
