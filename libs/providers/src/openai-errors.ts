import { APIConnectionTimeoutError, APIError } from 'openai';
import { record, text } from './json';
import { ProviderError, type ProviderErrorCode } from './provider-error';

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
const codes = new Map<unknown, ProviderErrorCode>([
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
  [503, 'overloaded'],
  [529, 'overloaded'],
]);

// Only of these the provider's own words help the tenant to repair the request. Words about credentials may quote them.
const quoted = new Set<ProviderErrorCode>(['invalid_request', 'context_length', 'content_filter']);

/** What the SDK threw, as one of ours. `secret` never comes through, even where the provider echoes it. */
export function toProviderError(error: unknown, secret: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const refusal = findRefusal(error);
  if (refusal) return new ProviderError('invalid_request', refusal);
  if (!isApiError(error)) return new ProviderError('unavailable', sentences.unavailable);
  const status = error.status ?? null;
  const code = codeOf(error);
  const message = quoted.has(code) ? quote(sentences[code], error, secret) : sentences[code];
  return new ProviderError(code, message, { status, retry_after_ms: retryAfter(error.headers) });
}

function codeOf(error: APIError): ProviderErrorCode {
  if (error instanceof APIConnectionTimeoutError) return 'timeout';
  return codes.get(error.code) ?? codes.get(error.type) ?? codes.get(error.status) ?? 'unavailable';
}

// The bare `instanceof` would make every property `any`.
const isApiError = (error: unknown): error is APIError => error instanceof APIError;

function quote(sentence: string, error: APIError, secret: string): string {
  const detail = text(record(error.error).message)
    ?.replaceAll(secret, '[key]')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, MAX_DETAIL_CHARACTERS);
  return detail ? `${sentence}: ${detail}` : `${sentence}.`;
}

/**
 * The caller's `fetch` may refuse an address, in a sentence that is meant for the tenant. Only causes are looked at: the error itself may
 * be the provider's words.
 */
function findRefusal(error: unknown): string | null {
  for (let cause = record(record(error).cause), depth = 0; depth < 4; cause = record(cause.cause), depth++) {
    if (cause.code === 'outbound_refused') return text(cause.message);
  }
  return null;
}

function retryAfter(headers: Headers | undefined): number | null {
  const milliseconds = headers?.get('retry-after-ms');
  const seconds = headers?.get('retry-after');
  const delay = milliseconds ? Number(milliseconds) : seconds ? delayOf(seconds) : Number.NaN;
  return Number.isFinite(delay) ? Math.max(0, Math.ceil(delay)) : null;
}

/** The header is a number of seconds or a date. */
const delayOf = (value: string): number =>
  Number.isNaN(Number(value)) ? Date.parse(value) - Date.now() : Number(value) * 1000;
