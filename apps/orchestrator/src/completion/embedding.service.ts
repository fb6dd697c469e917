import { Injectable } from '@nestjs/common';
import type { EmbeddingCall, EmbeddingPiece, ProviderKind } from '@taai/contracts';
import { StreamedCalls } from '../accounting/streamed-calls';
import { StreamedLedger } from '../accounting/streamed-ledger';
import type { EmbeddingReply } from '../model/embedding-call';
import { emptyReply } from '../model/model-call';
import { ModelCaller } from '../model/model-caller';
import { ProviderDirectory } from '../provider/provider-directory';
import { problemOf } from './provider-problem';
import { accountFor, roughPromptTokens, type Account, type Prompt } from '../accounting/usage-estimate';

/** As long as the contract lets the gateway wait. */
const VECTORS_MS = 120_000;

/** Has models make vectors of texts. */
@Injectable()
export class EmbeddingService {
  constructor(
    private readonly providers: ProviderDirectory,
    private readonly models: ModelCaller,
    private readonly ledger: StreamedLedger,
  ) {}

  async *embed({ model, encoding, ...request }: EmbeddingCall, signal: AbortSignal): AsyncGenerator<EmbeddingPiece> {
    const candidate = await this.providers.byName(model);
    const calls = new StreamedCalls<EmbeddingReply>(this.ledger, {
      kind: 'embedding',
      agent_id: null,
      input_tokens: roughPromptTokens(promptOf(request.input)),
      account: (reply, kind) => accountForVectors(reply, request.input, kind),
    });
    const attempt = await this.models
      .embed([candidate], request, {
        signal: AbortSignal.any([signal, calls.refused]),
        deadline: Date.now() + VECTORS_MS,
        accounting: calls,
      })
      .catch((error: Error) => Promise.reject(problemOf(error)));
    const head = calls.head();
    const usage = await calls.close(attempt);
    const { failure, vectors } = attempt.reply;
    if (failure) throw problemOf(failure);
    yield { type: 'head', ...head, usage };
    for (const vector of vectors) yield { type: 'vector', vector: encoding === 'base64' ? base64Of(vector) : vector };
  }
}

/** An embedding is charged for the tokens that the model reads. */
async function accountForVectors(
  { usage, failure, latency_ms }: EmbeddingReply,
  input: readonly string[],
  kind: ProviderKind,
): Promise<Account> {
  if (usage) return { ...usage, is_estimated: false };
  return accountFor({ ...emptyReply(), failure, latency_ms }, promptOf(input), kind);
}

const promptOf = (input: readonly string[]): Prompt => ({
  messages: [{ role: 'user', content: input.map((text) => ({ type: 'text', text })) }],
});

/** 32-bit floats, little-endian as on every machine that we run on. */
const base64Of = (vector: readonly number[]): string =>
  Buffer.from(Float32Array.from(vector).buffer).toString('base64');
