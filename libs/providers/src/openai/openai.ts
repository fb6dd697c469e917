import OpenAI from 'openai';
import { sharedFetch } from '../http/lean-fetch';
import { speakOpenAI, type Quirks } from './openai-format';
import { assertKey } from '../provider-error';
import type { ProviderFactory } from '../types';

export interface Vendor {
  /** With `/v1` or whatever comes before `/chat/completions`. */
  base_url: string;
  quirks?: Quirks;
}

/** Providers that speak OpenAI's format, by OpenAI's SDK. */
export function openaiFormat({ base_url: vendor_url, quirks }: Vendor): ProviderFactory {
  return ({ base_url, api_key, fetch }) => {
    assertKey(api_key, /^[\x21-\x7e]+$/);
    const client = new OpenAI({
      apiKey: api_key,
      baseURL: base_url ?? vendor_url,
      fetch: fetch ?? sharedFetch,
      maxRetries: 0,
      logLevel: 'off',
      // Left out, these come from the operator's environment and would be sent to tenants' providers.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
    });
    return speakOpenAI({ client, secret: api_key, quirks });
  };
}
