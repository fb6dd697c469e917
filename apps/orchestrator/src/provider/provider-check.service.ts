import { Injectable } from '@nestjs/common';
import { ProblemError, type ProviderHealth, type ProviderModels, type ProviderTest } from '@taai/contracts';
import { reportError } from '@taai/platform';
import { ProviderError, type ChatMessage } from '@taai/providers';
import { currentCaller } from '@taai/tenant';
import { v7 } from 'uuid';
import { CircuitBreakers } from '../model/circuit-breakers';
import type { OpenProvider } from './known-provider';
import { callModel, type ModelReply } from '../model/model-call';
import { ProviderDirectory } from './provider-directory';
import { ModelLists } from './model-lists';
import { StoredLedger } from '../accounting/stored-ledger';
import { accountFor, outcomeOf as accounted } from '../accounting/usage-estimate';

/** It leaves room in what the contract allows for a test: asking for the models before may take 20 s. */
const TEST_MS = 30_000;
const MAX_OUTPUT_TOKENS = 16;
const question: ChatMessage[] = [{ role: 'user', content: 'Reply with one word: OK' }];

/** Vendors list models of all kinds together, and do not say which of them chat. */
const SPECIAL =
  /embed|tts|whisper|transcri|speech|audio|realtime|image|dall-e|imagen|veo|sora|moderation|guard|rerank/i;

/** Asks a provider what it offers, and whether it works. Nothing is tried twice. */
@Injectable()
export class ProviderCheckService {
  constructor(
    private readonly ledger: StoredLedger,
    private readonly directory: ProviderDirectory,
    private readonly lists: ModelLists,
    private readonly breakers: CircuitBreakers,
  ) {}

  async models(id: string, refresh: boolean): Promise<ProviderModels> {
    const provider = await this.directory.open(id);
    try {
      const { models, fetched_at } = await this.lists.get(provider, { refresh });
      return { data: models.map((model) => ({ id: model, model: `${provider.provider_name}/${model}` })), fetched_at };
    } catch (error) {
      throw error instanceof ProviderError ? problemOf(error) : error;
    }
  }

  /** Calls the provider whatever its circuit breaker says: who tests wants to know. */
  async test(id: string, wanted?: string): Promise<ProviderTest> {
    const provider = await this.directory.open(id);
    const begun = performance.now();
    try {
      const model = wanted ?? (await this.anyModel(provider));
      return outcomeOf(model, await this.ask(provider, model));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return { ...failed(error), model: null, latency_ms: Math.round(performance.now() - begun) };
    }
  }

  async health(id: string): Promise<ProviderHealth> {
    return this.breakers.state(await this.directory.open(id));
  }

  private async anyModel(provider: OpenProvider): Promise<string> {
    const { models } = await this.lists.get(provider);
    const [first] = models;
    if (first === undefined) throw new ProviderError('invalid_request', 'The provider offers no models: name one.');
    return models.find((model) => !SPECIAL.test(model)) ?? first;
  }

  private async ask({ adapter, ...provider }: OpenProvider, model: string): Promise<ModelReply> {
    const call_id = v7();
    const { user_id = null, api_key_id = null } = currentCaller();
    const { provider_id, kind: provider_kind } = provider;
    const call = { call_id, kind: 'test', provider_id, provider_kind, model, user_id, api_key_id };
    await this.ledger.open(call);
    const reply = await callModel(
      adapter,
      { model, messages: question, max_output_tokens: MAX_OUTPUT_TOKENS },
      { signal: new AbortController().signal, timeout_ms: TEST_MS, onEvent: () => undefined },
    );
    const account = await accountFor(reply, { messages: question }, provider_kind);
    await this.ledger.close(call_id, accounted(reply, account));
    return reply;
  }
}

const outcomeOf = (model: string, { failure, latency_ms }: ModelReply): ProviderTest => ({
  ...(failure ? failed(failure) : { ok: true }),
  model,
  latency_ms,
});

function failed(failure: Error) {
  if (failure instanceof ProviderError)
    return { ok: false, error_code: failure.code as string, error_detail: failure.message };
  reportError(failure);
  return { ok: false, error_code: 'internal', error_detail: 'Something failed on our side.' };
}

function problemOf({ code, message, retry_after_ms }: ProviderError): ProblemError {
  const extras = retry_after_ms === null ? {} : { retry_after: Math.ceil(retry_after_ms / 1000) };
  return new ProblemError('provider_failed', `${message} (${code})`, extras);
}
