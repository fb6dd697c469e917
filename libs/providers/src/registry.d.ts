import type { ProviderAdapter, ProviderConfig } from './types';
/**
 * Connects nothing yet, so adapters may be made per call.
 *
 * @throws ProviderError `invalid_request` for an unknown kind, `auth` for a key that cannot be one
 */
export declare function createProvider(kind: string, config: ProviderConfig): ProviderAdapter;
