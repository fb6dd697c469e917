import OpenAI from 'openai';
import { Deadline } from './deadline';
import { list, record, text } from './json';
import { leanFetch } from './lean-fetch';
import { toProviderError } from './openai-errors';
import { ProviderError } from './provider-error';
import type {
  CallOptions,
  ChatEvent,
  ChatMessage,
  ChatRequest,
  ProviderConfig,
  ProviderFactory,
  StopReason,
  Usage,
} from './types';
import { readUsage } from './usage';

const sharedFetch = leanFetch();

const stopReasons = new Map<string, StopReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
]);

/** Providers that speak OpenAI's chat completions, by the official SDK. */
export function openaiFormat(vendor: { base_url: string }): ProviderFactory {
  return (config) => {
    const client = createClient(vendor.base_url, config);
    return {
      stream: (request, options) => stream(client, config.api_key, request, options),
      embed: async () => {
        throw new ProviderError('invalid_request', 'Embeddings are not built yet.');
      },
      models: (options) => models(client, config.api_key, options),
    };
  };
}

function createClient(vendor_url: string, { base_url, api_key, fetch }: ProviderConfig): OpenAI {
  if (!/^[\x21-\x7e]+$/.test(api_key))
    throw new ProviderError('auth', 'The API key is empty or has characters that no key has.');
  return new OpenAI({
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
}

async function* stream(
  client: OpenAI,
  secret: string,
  request: ChatRequest,
  options: CallOptions,
): AsyncGenerator<ChatEvent> {
  const deadline = new Deadline(options);
  try {
    const chunks = await openStream(client, request, deadline, options);
    let stop_reason: StopReason | null = null;
    let usage: Usage | null = null;
    for await (const chunk of chunks) {
      deadline.received();
      const part = readChunk(chunk);
      stop_reason = part.stop_reason ?? stop_reason;
      usage = part.usage ?? usage;
      if (part.text) yield { type: 'text', text: part.text };
      deadline.waiting();
    }
    // Aborted, the SDK ends its stream as if all were well.
    if (deadline.error) throw deadline.error;
    if (!stop_reason) throw new ProviderError('unavailable', 'The provider ended its answer before it was complete.');
    yield { type: 'finish', stop_reason, usage };
  } catch (error) {
    throw deadline.error ?? toProviderError(error, secret);
  } finally {
    deadline.close();
  }
}

function openStream(client: OpenAI, request: ChatRequest, { signal }: Deadline, { timeout_ms }: CallOptions) {
  return client.chat.completions.create(
    {
      model: request.model,
      messages: request.messages.map(toMessage),
      temperature: request.temperature,
      max_completion_tokens: request.max_output_tokens,
      stream: true,
      stream_options: { include_usage: true },
    },
    { signal, timeout: timeout_ms },
  );
}

function toMessage(message: ChatMessage): OpenAI.ChatCompletionMessageParam {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.tool_call_id, content: message.content };
  if (message.role === 'assistant') return { role: 'assistant', content: message.content };
  const { content } = message;
  if (message.role === 'system' || typeof content === 'string')
    return { role: message.role, content: content as string };
  return { role: 'user', content: content.flatMap((part) => (part.type === 'text' ? [part] : [])) };
}

async function models(client: OpenAI, secret: string, options: CallOptions): Promise<string[]> {
  const deadline = new Deadline(options);
  try {
    // Not `client.models.list()`, which takes a page of HTML for an empty list.
    const { data } = record(
      await client.get<unknown>('/models', { signal: deadline.signal, timeout: options.timeout_ms }),
    );
    if (!Array.isArray(data))
      throw new ProviderError('unavailable', 'The provider answered with something that is no list of models.');
    return list(data).flatMap((model) => text(record(model).id) ?? []);
  } catch (error) {
    throw deadline.error ?? toProviderError(error, secret);
  } finally {
    deadline.close();
  }
}

function readChunk(chunk: unknown): { text: string | null; stop_reason: StopReason | null; usage: Usage | null } {
  const { choices, usage } = record(chunk);
  const choice = record(list(choices)[0]);
  const finish = text(choice.finish_reason);
  return {
    text: text(record(choice.delta).content),
    stop_reason: finish === null ? null : (stopReasons.get(finish) ?? 'other'),
    usage: readUsage(usage),
  };
}
