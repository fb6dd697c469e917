import { record, text } from './json';
import { ProviderError, type ProviderErrorCode } from './provider-error';
import { redactor } from './redactor';

const MAX_DETAIL_CHARACTERS = 300;

const sentences: Record<ProviderErrorCode, string> = {
  rate_limited: 'The provider has too many requests from this account.',
  overloaded: 'The provider is overloaded.',
  timeout: 'The provider did not answer in time.',
  invalid_request: 'The provider refused the request',
  auth: 'The provider refused the credential.',
  context_length: 'The conversation is too long for the model',
  content_filter: "The provider's content filter refused the request",
  unavailable: 'The provider could not be reached, or broke off its answer.',
  aborted: 'The call was cancelled.',
};

/** By what the wire calls the error, and else by HTTP status, which some send as the code of an error within a stream. */
export const codes = new Map<unknown, ProviderErrorCode>([
  ['context_length_exceeded', 'context_length'],
  ['string_above_max_length', 'context_length'],
  ['content_filter', 'content_filter'],
  ['content_policy_violation', 'content_filter'],
  // Sent as 429, but no waiting helps: somebody has to pay.
  ['insufficient_quota', 'auth'],
  ['invalid_api_key', 'auth'],
  ['rate_limit_exceeded', 'rate_limited'],
  [400, 'invalid_request'],
  [401, 'auth'],
  [402, 'auth'],
  [403, 'auth'],
  [404, 'invalid_request'],
  [408, 'timeout'],
  [413, 'invalid_request'],
  [422, 'invalid_request'],
  [429, 'rate_limited'],
  // Groq's, for its flexible tier.
  [498, 'overloaded'],
  [503, 'overloaded'],
  [529, 'overloaded'],
]);

// Only of these the provider's own words help the tenant to repair the request. Words about credentials may quote them.
const quoted = new Set<ProviderErrorCode>(['invalid_request', 'context_length', 'content_filter']);

/** What a provider's refusal says. */
export interface Failure {
  /** `null`: it came within a stream. */
  status: number | null;
  /** What the wire calls the error, the most telling name first. */
  names: unknown[];
  message: string | null;
  headers?: Headers;
}

/** `secret` is blanked out where the provider echoes it. */
export function refusal(failure: Failure, secret: string): ProviderError {
  return refusalAs(codeOf(failure.status, failure.names, failure.message), failure, secret);
}

type Words = Pick<Failure, 'status' | 'message' | 'headers'> & {
  /** Told in the body, where the headers tell nothing. */
  retry_after_ms?: number | null;
};

/** The same, for vendors that name their errors otherwise. */
export function refusalAs(code: ProviderErrorCode, words: Words, secret: string): ProviderError {
  const { status, message, headers, retry_after_ms = null } = words;
  const detail = quoted.has(code) ? quote(message, secret) : '';
  const sentence = sentences[code];
  const told = detail ? `${sentence}: ${detail}` : sentence.replace(/[^.]$/, '$&.');
  const delay = headers ? retryAfter(headers) : null;
  return new ProviderError(code, told, { status, retry_after_ms: delay ?? retry_after_ms });
}

/** A call that ended without a refusal. Why the caller's own `fetch` would not send it, in its words, if that was so. */
export function noAnswer(error: unknown, is_timeout = record(error).code === 'UND_ERR_CONNECT_TIMEOUT'): ProviderError {
  const words = findOwnWords(error);
  if (words) return new ProviderError('invalid_request', words);
  const code = is_timeout ? 'timeout' : 'unavailable';
  return new ProviderError(code, sentences[code]);
}

function codeOf(status: number | null, names: unknown[], message: string | null): ProviderErrorCode {
  // Groq calls a request beyond the limit of a minute a rate limit, but waiting does not make it smaller.
  if (status === 413) return 'invalid_request';
  const named = names.map((name) => codes.get(name)).find((code) => code !== undefined);
  const code = named ?? codes.get(status) ?? 'unavailable';
  const is_too_long = code === 'invalid_request' && /context (length|window)/i.test(message ?? '');
  return is_too_long ? 'context_length' : code;
}

const quote = (message: string | null, secret: string): string =>
  redactor([secret])(message ?? '')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, MAX_DETAIL_CHARACTERS);

/**
 * The caller's `fetch` may refuse an address, in a sentence that is meant for the tenant. An SDK puts it under the cause of its own error,
 * whose properties may be the provider's words.
 */
function findOwnWords(error: unknown): string | null {
  let cause = record(error);
  for (let depth = 0; depth < 5; depth++, cause = record(cause.cause)) {
    if (cause.code === 'outbound_refused') return text(cause.message);
  }
  return null;
}

function retryAfter(headers: Headers): number | null {
  const milliseconds = headers.get('retry-after-ms');
  const seconds = headers.get('retry-after');
  const delay = milliseconds ? Number(milliseconds) : seconds ? delayOf(seconds) : Number.NaN;
  return Number.isFinite(delay) ? Math.max(0, Math.ceil(delay)) : null;
}

/** The header is a number of seconds or a date. */
const delayOf = (value: string): number =>
  Number.isNaN(Number(value)) ? Date.parse(value) - Date.now() : Number(value) * 1000;
