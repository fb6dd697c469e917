/**
 * - `rate_limited`, `overloaded`: try again, after `retry_after_ms` if given
 * - `timeout`, `unavailable`: no answer, or one that is broken; another attempt may fare better
 * - `auth`: the credential is refused or has nothing left to spend
 * - `invalid_request`, `context_length`, `content_filter`: this request will never succeed here
 * - `aborted`: the caller ended it
 */
export type ProviderErrorCode =
  | 'rate_limited'
  | 'overloaded'
  | 'timeout'
  | 'invalid_request'
  | 'auth'
  | 'context_length'
  | 'content_filter'
  | 'unavailable'
  | 'aborted';

/** A failed call. The message is a sentence for the tenant and never holds the credential; there is no `cause`, which might. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  /** HTTP status of the provider's reply, when there was one. */
  readonly status: number | null;
  /** How long the provider asks to be left alone. */
  readonly retry_after_ms: number | null;
  /** Whether the request left: false when it is sure that the provider has never seen it. */
  was_sent = true;

  constructor(
    readonly code: ProviderErrorCode,
    message: string,
    details: { status?: number | null; retry_after_ms?: number | null } = {},
  ) {
    super(message);
    this.status = details.status ?? null;
    this.retry_after_ms = details.retry_after_ms ?? null;
  }
}

/** @throws ProviderError `auth`, and does not quote the key: an HTTP header refuses some in words that do. */
export function assertKey(api_key: string, allowed: RegExp): void {
  if (!allowed.test(api_key))
    throw new ProviderError('auth', 'The API key is empty or has characters that no key has.');
}
