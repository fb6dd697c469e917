import type { CallOutcome, ProviderKind, TokenBuckets, TokenUsage } from '@taai/contracts';
import { ProviderError, type ChatRequest, type Usage } from '@taai/providers';
import type { RunMessage, StoredFilePart } from '../file/stored-file';
import type { ModelReply } from '../model/model-call';
import { errorCodeOf } from '../model/model-failure';
import { countTokens, lengthOf, roughTokens } from '../model/tokens';

/** What vendors add to each message for its role and its ends, and to the prompt for the answer's beginning. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_PROMPT = 2;
/** OpenAI's figure for one of 1024 × 1024. The size is not known here; Google counts from 258, Anthropic up to some 1,600. */
const TOKENS_PER_IMAGE = 765;

/** A page takes some 60 kB, and is read as an image and as text. */
const PDF_BYTES_PER_TOKEN = 30;
const TEXT_BYTES_PER_TOKEN = 4;

/** The part of a request that the model reads; of files what is known before they are read. */
export interface Prompt extends Pick<ChatRequest, 'tools'> {
  messages: readonly RunMessage[];
}

/** The tokens that a call is accounted for. */
export type Account = Usage & { is_estimated: boolean };

/** The part of a reply that the ledger keeps besides its tokens. */
export interface Accountable {
  failure: Error | null;
  latency_ms: number;
}

/** The ledger's outcome of a call that got this reply. */
export const outcomeOf = ({ failure, latency_ms }: Accountable, account: Account): CallOutcome => ({
  ...account,
  status: 'closed',
  error_code: failure && errorCodeOf(failure),
  latency_ms,
});

/** Guesses the tokens of a prompt by its length: for the opening of a call. */
export const roughPromptTokens = (prompt: Prompt): number =>
  roughTokens(lengthOf(textsOf(prompt))) + framingOf(prompt.messages);

/** Estimates a call of which nothing is left but how many pieces it had streamed, usually a token each. */
export const roughUsage = (prompt: Prompt, pieces: number): Usage => ({
  ...nothingReported,
  input_tokens: roughPromptTokens(prompt),
  output_tokens: pieces,
});

/**
 * Counts the tokens that a reply is accounted for: the provider's figures where it gave any, estimates where it did not, and none for a
 * request that was refused or never left.
 */
export async function accountFor(reply: ModelReply, prompt: Prompt, kind: ProviderKind): Promise<Account> {
  const reported = reply.usage ?? nothingReported;
  const isInputReported = [reported.input_tokens, reported.cache_read_tokens, reported.cache_write_tokens].some(
    isReported,
  );
  if (isInputReported && isReported(reported.output_tokens)) return { ...reported, is_estimated: false };
  if (!wasSent(reply)) return { ...nothingReported, input_tokens: 0, output_tokens: 0, is_estimated: false };
  if (wasRefused(reply)) return { ...nothingReported, input_tokens: 0, output_tokens: 0, is_estimated: true };
  return {
    ...reported,
    ...(!isInputReported && { input_tokens: await countPrompt(kind, prompt) }),
    ...(!isReported(reported.output_tokens) && (await countAnswer(kind, reply, reported))),
    is_estimated: true,
  };
}

const isReported = (count: number | null): boolean => count !== null;

async function countPrompt(kind: ProviderKind, prompt: Prompt): Promise<number> {
  return (await countTokens(kind, textsOf(prompt))) + framingOf(prompt.messages);
}

/** What the model thought aloud is known by its length alone. */
async function countAnswer(kind: ProviderKind, reply: ModelReply, reported: Usage) {
  const { text, tool_calls, reasoning_characters } = reply;
  const output_tokens = await countTokens(kind, [
    text,
    ...tool_calls.flatMap(({ name, arguments: json }) => [name, json]),
  ]);
  const thought = reasoning_characters > 0 ? roughTokens(reasoning_characters) : null;
  return { output_tokens, reasoning_tokens: reported.reasoning_tokens ?? thought };
}

/** Tools on offer count as the JSON they are sent as. */
const textsOf = ({ messages, tools = [] }: Prompt): string[] => [
  ...messages.flatMap(textsOfMessage),
  ...tools.map((tool) => JSON.stringify(tool)),
];

/** What a tokenizer counts of a message; the rest of it is `fixedTokens`. */
export const textsOfMessage = (message: RunMessage): string[] => [
  ...contentTexts(message.content),
  ...('tool_calls' in message ? (message.tool_calls ?? []) : []).flatMap((call) => [call.name, call.arguments]),
];

/** The tokens of a message besides those of its texts: its role and its ends, and its files. */
export const fixedTokens = ({ content }: RunMessage): number => TOKENS_PER_MESSAGE + fileTokens(content);

type Content = RunMessage['content'];

const contentTexts = (content: Content): string[] =>
  typeof content === 'string' ? [content] : content.flatMap((part) => (part.type === 'text' ? [part.text] : []));

const framingOf = (messages: readonly RunMessage[]): number =>
  TOKENS_PER_PROMPT + messages.reduce((sum, message) => sum + fixedTokens(message), 0);

const fileTokens = (content: Content): number =>
  typeof content === 'string' ? 0 : content.reduce((sum, part) => sum + tokensOfPart(part), 0);

function tokensOfPart(part: Exclude<Content, string>[number]): number {
  switch (part.type) {
    case 'text':
      return 0;
    case 'image':
      return TOKENS_PER_IMAGE;
    case 'file':
      return Math.ceil(Buffer.byteLength(part.data, 'base64') / PDF_BYTES_PER_TOKEN);
    case 'stored_file':
      return tokensOfFile(part);
  }
}

function tokensOfFile({ content_type, bytes }: StoredFilePart): number {
  if (content_type.startsWith('image/')) return TOKENS_PER_IMAGE;
  return Math.ceil(bytes / (content_type === 'application/pdf' ? PDF_BYTES_PER_TOKEN : TEXT_BYTES_PER_TOKEN));
}

const wasSent = ({ failure }: ModelReply): boolean => !(failure instanceof ProviderError) || failure.was_sent;

/** Without an answer to it, a request that broke off may have been worked on all the same. */
function wasRefused({ failure, pieces }: ModelReply): boolean {
  if (!(failure instanceof ProviderError) || pieces > 0) return false;
  return failure.status !== null || !['aborted', 'timeout', 'unavailable'].includes(failure.code);
}

const nothingReported: Usage = {
  input_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: null,
  reasoning_tokens: null,
};

/** Sums the tokens of a call, as far as they are known. */
export const tokensOf = (usage: TokenBuckets): number =>
  (usage.input_tokens ?? 0) +
  (usage.cache_read_tokens ?? 0) +
  (usage.cache_write_tokens ?? 0) +
  (usage.output_tokens ?? 0) +
  (usage.reasoning_tokens ?? 0);

/** Sums what two calls of a run used. What is known of one alone is the sum. */
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
