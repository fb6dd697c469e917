import { ProviderError, type ProviderErrorCode } from './provider-error';
/** By what the wire calls the error, and else by HTTP status, which some send as the code of an error within a stream. */
export declare const codes: Map<unknown, ProviderErrorCode>;
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
export declare function refusal(failure: Failure, secret: string): ProviderError;
type Words = Pick<Failure, 'status' | 'message' | 'headers'> & {
  /** Told in the body, where the headers tell nothing. */
  retry_after_ms?: number | null;
};
/** The same, for vendors that name their errors otherwise. */
export declare function refusalAs(code: ProviderErrorCode, words: Words, secret: string): ProviderError;
/** A call that ended without a refusal. Why the caller's own `fetch` would not send it, in its words, if that was so. */
export declare function noAnswer(error: unknown, is_timeout?: boolean): ProviderError;
export {};
