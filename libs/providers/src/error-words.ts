import { record, text } from './json';
import { ProviderError, type ProviderErrorCode } from './provider-error';

const MAX_DETAIL_CHARACTERS = 300;

const sentences: Record<ProviderErrorCode, string> = {
  rate_limited: 'The provider has too many requests from this account',
  overloaded: 'The provider is overloaded',
  timeout: 'The provider did not answer in time',
  invalid_request: 'The provider refused the request',
  auth: 'The provider refused the credential',
  context_length: 'The conversation is too long for the model',
  content_filter: "The provider's content filter refused the request",
  unavailable: 'The provider could not be reached, or broke off its answer',
  aborted: 'The call was cancelled',
};

// Only of these the provider's own words help the tenant to repair the request. Words about credentials may quote them.
const quoted = new Set<ProviderErrorCode>(['invalid_request', 'context_length', 'content_filter']);

export const statusCodes = new Map<unknown, ProviderErrorCode>([
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
  [504, 'timeout'],
  [529, 'overloaded'],
]);

interface Told {
  /** The provider's words. */
  detail?: string | null;
  /** Never comes through, even where the provider echoes it. */
  secret?: string;
  status?: number | null;
  retry_after_ms?: number | null;
}

export function failure(code: ProviderErrorCode, { detail, secret = '', ...details }: Told = {}): ProviderError {
  const words = quoted.has(code) && detail ? `: ${quote(detail, secret)}` : '.';
  return new ProviderError(code, sentences[code] + words, details);
}

const quote = (detail: string, secret: string): string =>
  (secret ? detail.replaceAll(secret, '[key]') : detail).replaceAll(/\p{Cc}+/gu, ' ').slice(0, MAX_DETAIL_CHARACTERS);

/**
 * The caller's `fetch` may refuse an address, in a sentence that is meant for the tenant. Only causes are looked at: the error itself may
 * be the provider's words.
 */
export function findRefusal(error: unknown): string | null {
  for (let cause = record(record(error).cause), depth = 0; depth < 4; cause = record(cause.cause), depth++) {
    if (cause.code === 'outbound_refused') return text(cause.message);
  }
  return null;
}

/** Milliseconds. */
export function retryAfter(headers: Headers | undefined): number | null {
  const milliseconds = headers?.get('retry-after-ms');
  const seconds = headers?.get('retry-after');
  const delay = milliseconds ? Number(milliseconds) : seconds ? delayOf(seconds) : Number.NaN;
  return Number.isFinite(delay) ? Math.max(0, Math.ceil(delay)) : null;
}

/** The header is a number of seconds or a date. */
const delayOf = (value: string): number =>
  Number.isNaN(Number(value)) ? Date.parse(value) - Date.now() : Number(value) * 1000;
