import { ProviderError } from './provider-error';

/** @throws ProviderError `auth` for what cannot be sent as a header, and so is no key. */
export function assertApiKey(api_key: string): void {
  if (!/^[\x21-\x7e]+$/.test(api_key))
    throw new ProviderError('auth', 'The API key is empty or has characters that no key has.');
}
