import { Anthropic } from '@anthropic-ai/sdk';
import type { Stream } from '@anthropic-ai/sdk/streaming';
import { toProviderError } from './anthropic-errors';
import { AnthropicReply } from './anthropic-reply';
import { toRequest } from './anthropic-request';
import { call, streamCall } from '../call';
import { list, record, text } from '../json';
import { leanFetch } from '../http/lean-fetch';
import { assertKey, ProviderError } from '../provider-error';
import type { ChatRequest, ProviderConfig, ProviderFactory } from '../types';

const VENDOR_URL = 'https://api.anthropic.com';
const MODELS_PER_PAGE = 1000;
const MAX_PAGES = 10;

const sharedFetch = leanFetch();

/** Anthropic's messages, by the official SDK. A `base_url` ends before `/v1`. */
export const anthropic: ProviderFactory = (config) => {
  const client = createClient(config);
  const toError = (error: unknown) => toProviderError(error, config.api_key);
  return {
    stream: (request, options) =>
      streamCall(options, toError, new AnthropicReply(), (signal) => stream(client, request, signal)),
    embed: async () => {
      throw new ProviderError('invalid_request', 'Anthropic offers no embeddings.');
    },
    models: (options) => call(options, toError, (signal) => models(client, signal)),
  };
};

/** Left out, these options come from the operator's environment and would be sent to tenants' providers. */
function createClient({ base_url, api_key, fetch }: ProviderConfig): Anthropic {
  assertKey(api_key, /^[\x21-\x7e]+$/);
  const client = new Anthropic({
    apiKey: api_key,
    webhookKey: null,
    baseURL: base_url ?? VENDOR_URL,
    fetch: fetch ?? sharedFetch,
    maxRetries: 0,
    logLevel: 'off',
    openTelemetry: false,
  });
  // ANTHROPIC_CUSTOM_HEADERS, which no option keeps out. The types hide the property; a test watches over it.
  (client as Anthropic & { _options: { defaultHeaders?: object } })._options.defaultHeaders = undefined;
  return client;
}

// Not `client.messages.create()`, which writes to the console at every call of a model that is to retire.
const stream = (client: Anthropic, request: ChatRequest, signal: AbortSignal) =>
  client.post<Stream<unknown>>('/v1/messages', { body: toRequest(request), stream: true, signal });

async function models(client: Anthropic, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  let after_id: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    // Not `client.models.list()`, which takes a page of HTML for an empty list.
    const query = { limit: MODELS_PER_PAGE, ...(after_id !== null && { after_id }) };
    const { data, has_more, last_id } = record(await client.get<unknown>('/v1/models', { query, signal }));
    if (!Array.isArray(data))
      throw new ProviderError('unavailable', 'The provider answered with something that is no list of models.');
    names.push(...list(data).flatMap((model) => text(record(model).id) ?? []));
    after_id = text(last_id);
    if (has_more !== true || after_id === null) break;
  }
  return names;
}
