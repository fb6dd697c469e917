import Groq from 'groq-sdk';
import { sharedFetch } from '../http/lean-fetch';
import { speakOpenAI, type Quirks } from '../openai/openai-format';
import { assertKey } from '../provider-error';
import type { ProviderFactory } from '../types';

// The SDK adds it; Groq's documentation counts it to the address.
const PREFIX = '/openai/v1';

const quirks: Quirks = { efforts: { minimal: 'low' }, takes_files: false };

/** Groq speaks OpenAI's format, but reports usage and failures in its own way. */
export const groq: ProviderFactory = ({ base_url, api_key, fetch }) => {
  assertKey(api_key, /^[\x21-\x7e]+$/);
  const client = new Groq({
    apiKey: api_key,
    baseURL: (base_url ?? 'https://api.groq.com').replace(/(\/openai\/v1)?\/?$/, ''),
    fetch: fetch ?? sharedFetch,
    maxRetries: 0,
    logLevel: 'off',
  });
  return speakOpenAI({ client, secret: api_key, prefix: PREFIX, quirks, has_embeddings: false });
};
