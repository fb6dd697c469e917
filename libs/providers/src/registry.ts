import { anthropic } from './anthropic/anthropic';
import { google } from './google/google';
import { groq } from './groq/groq';
import { ollama } from './ollama/ollama';
import { openaiFormat } from './openai/openai';
import { ProviderError } from './provider-error';
import type { ProviderAdapter, ProviderConfig, ProviderFactory } from './types';

/** One line per provider; whoever speaks OpenAI's format is an address. */
const providers: Record<string, ProviderFactory> = {
  anthropic,
  google,
  groq,
  ollama,
  openai: openaiFormat({ base_url: 'https://api.openai.com/v1' }),
};

/**
 * Connects nothing yet, so adapters may be made per call.
 *
 * @throws ProviderError `invalid_request` for an unknown kind, `auth` for a key that cannot be one
 */
export function createProvider(kind: string, config: ProviderConfig): ProviderAdapter {
  const factory = Object.hasOwn(providers, kind) ? providers[kind] : undefined;
  if (!factory) throw new ProviderError('invalid_request', `There is no adapter for providers of the kind "${kind}".`);
  return factory(config);
}
