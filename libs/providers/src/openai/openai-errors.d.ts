import { ProviderError } from '../provider-error';
/** What OpenAI's SDK threw, or Groq's, as one of ours. `secret` never comes through. */
export declare function toProviderError(error: unknown, secret: string): ProviderError;
