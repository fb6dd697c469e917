import { Injectable } from '@nestjs/common';
import type { ProviderKind, ProviderSettings } from '@taai/contracts';
import type { ChatEvent, ChatRequest, EmbeddingRequest, ProviderAdapter } from '@taai/providers';
import { CallChain, type Ask } from './retry-chain';
import { CallerLimits } from './caller-limits';
import { CircuitBreakers } from './circuit-breakers';
import type { Outcome } from './attempt-verdict';
import { callEmbeddings, type EmbeddingReply } from './embedding-call';
import { callModel, type ModelReply } from './model-call';

/** A model that can be asked, and how. */
export interface Candidate {
  provider_id: string;
  /** Of the provider, as in `provider/model`. */
  provider_name: string;
  kind: ProviderKind;
  model: string;
  settings: ProviderSettings;
  /** Names the credential that the adapter holds. */
  credential_id: string;
  adapter: ProviderAdapter;
}

/** One call of one model, and what came of it. */
export interface Attempt<R = ModelReply> {
  call_id: string;
  candidate: Candidate;
  reply: R;
}

/** Where calls are accounted for: every one is opened before it is made. */
export interface CallBook<R = ModelReply> {
  /** What it throws ends the whole call: nothing is asked that nobody accounts for. */
  open(call_id: string, candidate: Candidate): Promise<void>;
  /** Of an attempt after which another one follows; the last one is the caller's to close. */
  close(attempt: Attempt<R>): Promise<void>;
}

export interface CallerOptions<R> {
  signal: AbortSignal;
  /** Milliseconds since 1970: retries and fallbacks included. */
  deadline: number;
  book: CallBook<R>;
}

export interface ModelCallerOptions extends CallerOptions<ModelReply> {
  /** Pieces of the answer as they come. A promise slows the provider down. */
  onEvent: (event: ChatEvent) => void | Promise<void>;
  /** Nobody reads along: the answer may come in one piece, except from providers that must begin theirs within a time. */
  whole?: boolean;
}

/**
 * Has the first of several models answer that can: with retries, fallbacks and circuit breakers. Both methods resolve to the last
 * attempt, which is the answer or the failure that no further attempt could mend; it is still open in the book.
 *
 * @throws ProviderError `overloaded`, with the time to wait, when no call was made because all breakers are open
 */
@Injectable()
export class ModelCaller {
  constructor(
    private readonly breakers: CircuitBreakers,
    private readonly limits: CallerLimits,
  ) {}

  /** After the first piece of an answer nothing is tried again. */
  call(
    candidates: readonly Candidate[],
    request: Omit<ChatRequest, 'model'>,
    { onEvent, whole = false, ...options }: ModelCallerOptions,
  ): Promise<Attempt> {
    const ask: Ask<ModelReply> = ({ adapter, model, settings }, timeouts) => {
      const options = { ...timeouts, onEvent, whole: whole && settings.timeout_ms === undefined };
      return callModel(adapter, { ...request, model }, options);
    };
    return this.chain(ask, options).run(candidates);
  }

  embed(
    candidates: readonly Candidate[],
    request: Omit<EmbeddingRequest, 'model'>,
    options: CallerOptions<EmbeddingReply>,
  ): Promise<Attempt<EmbeddingReply>> {
    const ask: Ask<EmbeddingReply> = ({ adapter, model }, { signal, first_token_timeout_ms }) =>
      callEmbeddings(adapter, { ...request, model }, { signal, timeout_ms: first_token_timeout_ms });
    return this.chain(ask, options).run(candidates);
  }

  private chain<R extends Outcome>(ask: Ask<R>, options: CallerOptions<R>): CallChain<R> {
    return new CallChain({ breakers: this.breakers, limits: this.limits }, ask, options);
  }
}

/** Whoever has models answer, as runs see it. */
export type Asker = Pick<ModelCaller, 'call'>;
