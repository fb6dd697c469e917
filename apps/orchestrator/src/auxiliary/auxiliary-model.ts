import { Inject, Injectable } from '@nestjs/common';
import type { TokenUsage } from '@taai/contracts';
import type { ChatEvent, ChatMessage, StopReason } from '@taai/providers';
import { StoredLedger } from '../accounting/stored-ledger';
import type { Candidate } from '../model/candidate';
import { ModelCaller, type ChatCaller } from '../model/model-caller';
import { ModelFailure } from '../model/model-failure';
import { AuxiliaryCalls, type CallOrigin } from './auxiliary-calls';

/** No language has more: a provider that goes on does not keep to the number of tokens. Thoughts that it shows count, too. */
const CHARACTERS_PER_TOKEN = 16;

/** A small question to a model on the platform's behalf: for a title, for a summary. */
export interface AuxiliaryQuestion {
  /** What the ledger's row says: `title`, … */
  kind: string;
  /** In the order in which they are tried. */
  candidates: readonly Candidate[];
  messages: ChatMessage[];
  max_output_tokens: number;
  /** For the answer, retries and fallbacks included. */
  timeout_ms: number;
  origin: CallOrigin;
  signal?: AbortSignal;
}

export interface AuxiliaryAnswer {
  text: string;
  stop_reason: StopReason | null;
  usage: TokenUsage;
}

/**
 * Asks models beside the loops of runs. Like every call these are in the ledger before they are made, count among the tenant's tokens, and
 * keep to circuit breakers and the limits of callers; the answer is bounded, in time and in length.
 */
@Injectable()
export class AuxiliaryModel {
  constructor(
    @Inject(ModelCaller) private readonly models: ChatCaller,
    private readonly ledger: StoredLedger,
  ) {}

  /** Throws what the last attempt failed with: a `ProviderError`, a `ModelFailure`, or that the ledger does not answer. */
  async ask(question: AuxiliaryQuestion): Promise<AuxiliaryAnswer> {
    const { kind, candidates, messages, max_output_tokens, timeout_ms, origin } = question;
    const accounting = new AuxiliaryCalls(this.ledger, kind, messages, origin);
    const attempt = await this.models.call(
      candidates,
      { messages, max_output_tokens },
      {
        signal: question.signal ?? new AbortController().signal,
        deadline: Date.now() + timeout_ms,
        accounting,
        whole: true,
        onEvent: boundedTo(max_output_tokens),
      },
    );
    const usage = await accounting.close(attempt);
    const { failure, text, stop_reason } = attempt.reply;
    if (failure) throw failure;
    return { text, stop_reason, usage };
  }
}

/** Fails the answer that is longer than its tokens can be. */
function boundedTo(tokens: number): (event: ChatEvent) => void {
  let left = tokens * CHARACTERS_PER_TOKEN;
  return (event) => {
    if ('text' in event) left -= event.text.length;
    if (left < 0) throw new ModelFailure('output_too_long', `The answer is longer than ${tokens} tokens.`);
  };
}
