import { codes as statusCodes, refusalAs } from '../failure';
import { list, record, text } from '../json';
import type { ProviderError, ProviderErrorCode } from '../provider-error';
import type { JsonObject } from '../types';

/** By the canonical name of the error, which those within a stream have too. */
const codes = new Map<unknown, ProviderErrorCode>([
  ['INVALID_ARGUMENT', 'invalid_request'],
  ['FAILED_PRECONDITION', 'invalid_request'],
  ['OUT_OF_RANGE', 'invalid_request'],
  ['NOT_FOUND', 'invalid_request'],
  ['UNAUTHENTICATED', 'auth'],
  ['PERMISSION_DENIED', 'auth'],
  ['RESOURCE_EXHAUSTED', 'rate_limited'],
  ['DEADLINE_EXCEEDED', 'timeout'],
  ['UNAVAILABLE', 'overloaded'],
  ['INTERNAL', 'unavailable'],
]);

const isTooLong = /token count.*exceeds|context (length|window)/i;

/**
 * What Google says is wrong.
 *
 * @param reply HTTP status and headers; none for an error within a stream
 */
export function refused(error: JsonObject, secret: string, reply?: Response): ProviderError {
  const details = list(error.details).map(record);
  const words = {
    status: reply?.status ?? null,
    message: text(error.message),
    headers: reply?.headers,
    retry_after_ms: retryDelay(details),
  };
  return refusalAs(codeOf(error, details, reply?.status), words, secret);
}

function codeOf(error: JsonObject, details: JsonObject[], status: number | undefined): ProviderErrorCode {
  const code = codes.get(error.status) ?? statusCodes.get(status ?? error.code) ?? 'unavailable';
  if (code !== 'invalid_request') return code;
  // A wrong key is an argument like any other.
  if (details.some(({ reason }) => reason === 'API_KEY_INVALID')) return 'auth';
  return isTooLong.test(text(error.message) ?? '') ? 'context_length' : code;
}

/** Milliseconds, from seconds like `34.4s`. */
function retryDelay(details: JsonObject[]): number | null {
  const seconds = details.flatMap(({ retryDelay }) => /^(\d{1,9}(?:\.\d+)?)s$/.exec(text(retryDelay) ?? '')?.[1] ?? []);
  return seconds[0] === undefined ? null : Math.ceil(Number(seconds[0]) * 1000);
}
