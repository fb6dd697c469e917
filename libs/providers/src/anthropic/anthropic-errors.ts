import { APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk';
import { codes as statusCodes, noAnswer, refusalAs } from '../failure';
import { text } from '../json';
import { ProviderError, type ProviderErrorCode } from '../provider-error';

/** By the `type` of the error's body, which errors within a stream have too. */
const codes = new Map<unknown, ProviderErrorCode>([
  ['authentication_error', 'auth'],
  ['billing_error', 'auth'],
  ['permission_error', 'auth'],
  ['not_found_error', 'invalid_request'],
  ['request_too_large', 'invalid_request'],
  ['rate_limit_error', 'rate_limited'],
  ['timeout_error', 'timeout'],
  ['overloaded_error', 'overloaded'],
  ['api_error', 'unavailable'],
]);

/** All of these are `invalid_request_error`s, told apart by their words alone. */
const wordings: [RegExp, ProviderErrorCode][] = [
  [/prompt is too long|exceeds? (the )?context/i, 'context_length'],
  [/content filter/i, 'content_filter'],
  // No waiting helps: somebody has to pay, or to raise a limit.
  [/credit balance|usage limit/i, 'auth'],
];

/** What the SDK threw, as one of ours. `secret` never comes through. */
export function toProviderError(error: unknown, secret: string): ProviderError {
  if (error instanceof ProviderError) return error;
  if (error instanceof APIConnectionTimeoutError) return noAnswer(error, true);
  // Of what is not answered, neither by a reply nor within a stream, the SDK tells the cause.
  if (!isApiError(error) || (error.status === undefined && error.error === undefined)) return noAnswer(error);
  const { status = null, headers } = error;
  return refusalAs(codeOf(error), { status, message: text(error.apiMessage), headers }, secret);
}

function codeOf(error: APIError): ProviderErrorCode {
  const code = codes.get(error.type) ?? statusCodes.get(error.status);
  if (code !== undefined && code !== 'invalid_request') return code;
  if (error.errorCode?.includes('spend_limit')) return 'auth';
  const worded = wordings.find(([wording]) => wording.test(text(error.apiMessage) ?? ''))?.[1];
  return worded ?? code ?? (error.type === 'invalid_request_error' ? 'invalid_request' : 'unavailable');
}

// The bare `instanceof` would make every property `any`.
const isApiError = (error: unknown): error is APIError => error instanceof APIError;
