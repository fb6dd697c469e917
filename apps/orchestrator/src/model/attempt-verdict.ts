import { ProviderError, type ProviderErrorCode } from '@taai/providers';
import type { Health } from './breaker';

/** What follows an attempt: another one at the same model, one at the next model, or nothing. */
export type Verdict = 'retry' | 'next' | 'end';

/** The part of a reply that decides how to go on. */
export interface Outcome {
  failure: Error | null;
  /** Of the answer, passed on before it failed. */
  pieces: number;
}

const verdicts: Record<ProviderErrorCode, Verdict> = {
  rate_limited: 'retry',
  overloaded: 'retry',
  timeout: 'retry',
  unavailable: 'retry',
  // Another model may have another key, a longer context, and other rules.
  auth: 'next',
  context_length: 'next',
  invalid_request: 'next',
  // Asking around until somebody lets it pass is not what a filter is for.
  content_filter: 'end',
  aborted: 'end',
};

/** A provider that refuses a request is well. One that limits our rate says nothing of itself: holding back all calls would make it worse. */
const healths: Record<ProviderErrorCode, Health> = {
  overloaded: 'unwell',
  timeout: 'unwell',
  unavailable: 'unwell',
  rate_limited: 'unknown',
  aborted: 'unknown',
  auth: 'well',
  context_length: 'well',
  invalid_request: 'well',
  content_filter: 'well',
};

/** After the first piece of an answer nothing is tried again: the reader has it already. A fault of ours would only repeat itself. */
export function verdictOn({ failure, pieces }: Outcome): Verdict {
  return failure instanceof ProviderError && pieces === 0 ? verdicts[failure.code] : 'end';
}

export function healthOf({ failure }: Outcome): Health {
  if (!failure) return 'well';
  return failure instanceof ProviderError ? healths[failure.code] : 'unknown';
}
