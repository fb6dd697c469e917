import { ProblemError, type ProblemCode } from '@taai/contracts';
import { reportError } from '@taai/platform';
import { ProviderError, type ProviderErrorCode } from '@taai/providers';
import { ModelFailure } from '../model/model-failure';

/**
 * The problem that the caller of a model gets for each failure. That a provider refuses our tenant's credential is not the caller's 401:
 * the caller would believe that their own key is wrong.
 */
const codes: Record<ProviderErrorCode, ProblemCode> = {
  rate_limited: 'rate_limited',
  overloaded: 'provider_overloaded',
  timeout: 'provider_timeout',
  unavailable: 'provider_unavailable',
  auth: 'provider_auth',
  context_length: 'context_length_exceeded',
  content_filter: 'content_filter',
  invalid_request: 'provider_refused',
  aborted: 'cancelled',
};

const NOT_FOUND = 404;

/** Translates a model's failure for its caller. An unexpected one is reported as a fault of ours. */
export function problemOf(failure: Error): ProblemError {
  if (failure instanceof ProblemError) return failure;
  if (failure instanceof ProviderError) return ofProvider(failure);
  if (failure instanceof ModelFailure) return new ProblemError(codeOf(failure), failure.message);
  reportError(failure);
  return new ProblemError('internal');
}

/** An answer without end is the provider's fault. */
const codeOf = ({ code }: ModelFailure): ProblemCode => (code === 'model_unpriced' ? code : 'provider_unavailable');

function ofProvider({ code, status, message, retry_after_ms }: ProviderError): ProblemError {
  // Of all that is asked of providers, only models can be absent.
  const known = code === 'invalid_request' && status === NOT_FOUND ? 'unknown_model' : codes[code];
  const retry_after = retry_after_ms === null ? {} : { retry_after: Math.ceil(retry_after_ms / 1000) };
  return new ProblemError(known, message, retry_after);
}
