import { Injectable } from '@nestjs/common';
import type { ProviderKind, ProviderSettings } from '@taai/contracts';
import type { ChatEvent, ChatRequest, ProviderAdapter } from '@taai/providers';
import { v7 } from 'uuid';
import { callModel, type ModelReply } from './model-call';

/** A model that can be asked, and how. */
export interface Candidate {
  provider_id: string;
  /** Of the provider, as in `provider/model`. */
  provider_name: string;
  kind: ProviderKind;
  model: string;
  settings: ProviderSettings;
  adapter: ProviderAdapter;
}

/** One call of one model, and what came of it. */
export interface Attempt {
  call_id: string;
  candidate: Candidate;
  reply: ModelReply;
}

/** Where calls are accounted for: every one is opened before it is made. */
export interface CallBook {
  /** What it throws ends the whole call: nothing is asked that nobody accounts for. */
  open(call_id: string, candidate: Candidate): Promise<void>;
  /** Of an attempt after which another one follows; the last one is the caller's to close. */
  close(attempt: Attempt): Promise<void>;
}

export interface ModelCallerOptions {
  signal: AbortSignal;
  /** Milliseconds since 1970: retries and fallbacks included. */
  deadline: number;
  book: CallBook;
  /** Pieces of the answer as they come. A promise slows the provider down. */
  onEvent: (event: ChatEvent) => void | Promise<void>;
}

/** Has the first of several models answer that can: with retries, fallbacks and circuit breakers. */
@Injectable()
export class ModelCaller {
  /**
   * Resolves to the last attempt, which is the answer or the failure that no further attempt could mend; it is still open in the
   * book. After the first piece of an answer nothing is tried again.
   */
  async call(
    candidates: readonly Candidate[],
    request: Omit<ChatRequest, 'model'>,
    { signal, deadline, book, onEvent }: ModelCallerOptions,
  ): Promise<Attempt> {
    const [candidate] = candidates;
    if (!candidate) throw new Error('There is no model to call.');
    const call_id = v7();
    await book.open(call_id, candidate);
    const timeout_ms = Math.max(1, deadline - Date.now());
    const reply = await callModel(
      candidate.adapter,
      { ...request, model: candidate.model },
      { signal, timeout_ms, onEvent },
    );
    return { call_id, candidate, reply };
  }
}
