import { ProviderError } from '../provider-error';
/** What the SDK threw, as one of ours. `secret` never comes through. */
export declare function toProviderError(error: unknown, secret: string): ProviderError;
