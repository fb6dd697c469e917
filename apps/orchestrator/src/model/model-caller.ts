import { Injectable } from '@nestjs/common';
import type { ChatEvent, ChatRequest, EmbeddingRequest } from '@taai/providers';
import type { Outcome } from './attempt-verdict';
import { CallerLimits } from './caller-limits';
import type { Attempt, Candidate } from './candidate';
import { CircuitBreakers } from './circuit-breakers';
import { callEmbeddings, type EmbeddingReply } from './embedding-call';
import { callModel, type ModelReply } from './model-call';
import { RetryChain, type Ask, type ChainOptions } from './retry-chain';

export type { Candidate } from './candidate';

export interface ModelCallerOptions extends ChainOptions<ModelReply> {
  /** Receives the pieces of the answer as they come. A promise slows the provider down. */
  onEvent: (event: ChatEvent) => void | Promise<void>;
  /** Nobody reads along: the answer may come in one piece, except from providers that must begin theirs within a time. */
  whole?: boolean;
}

/**
 * Has the first of several models answer that can: with retries, fallbacks and circuit breakers. Both methods resolve to the last
 * attempt, which is the answer or the failure that no further attempt could mend; the caller closes it.
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
    options: ChainOptions<EmbeddingReply>,
  ): Promise<Attempt<EmbeddingReply>> {
    const ask: Ask<EmbeddingReply> = ({ adapter, model }, { signal, first_token_timeout_ms }) =>
      callEmbeddings(adapter, { ...request, model }, { signal, timeout_ms: first_token_timeout_ms });
    return this.chain(ask, options).run(candidates);
  }

  private chain<R extends Outcome>(ask: Ask<R>, options: ChainOptions<R>): RetryChain<R> {
    return new RetryChain({ breakers: this.breakers, limits: this.limits }, ask, options);
  }
}

/** The part of the caller that has chat models answer. */
export type ChatCaller = Pick<ModelCaller, 'call'>;
