import { APIError as GroqError, APIConnectionTimeoutError as GroqTimeout } from 'groq-sdk';
import { APIConnectionTimeoutError, APIError } from 'openai';
import { noAnswer, refusal } from '../failure';
import { record, text } from '../json';
import { ProviderError } from '../provider-error';

/** What OpenAI's SDK threw, or Groq's, as one of ours. `secret` never comes through. */
export function toProviderError(error: unknown, secret: string): ProviderError {
  if (error instanceof ProviderError) return error;
  if (!isApiError(error)) return noAnswer(error);
  if (error instanceof APIConnectionTimeoutError || error instanceof GroqTimeout) return noAnswer(error, true);
  // Neither a reply nor an error within a stream.
  if (error.status === undefined && error.error === undefined) return noAnswer(error);
  const { code, type, message } = wordsOf(error);
  return refusal(
    { status: error.status ?? null, names: [code, type], message: text(message), headers: error.headers },
    secret,
  );
}

type ApiError = Pick<APIError, 'status' | 'headers' | 'error'>;

// The bare `instanceof` would make every property `any`.
const isApiError = (error: unknown): error is ApiError => error instanceof APIError || error instanceof GroqError;

/** Groq's SDK hands over the whole body of a reply, OpenAI's what is under its `error`. */
function wordsOf(error: ApiError): Record<string, unknown> {
  const body = record(error.error);
  return error instanceof GroqError && error.status !== undefined ? record(body.error) : body;
}
