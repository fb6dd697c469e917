import {
  ProviderError,
  type CallOptions,
  type ChatEvent,
  type ProviderAdapter,
  type ProviderErrorCode,
  type Usage,
} from '@taai/providers';
import { v7 } from 'uuid';
import type { CallAccounting } from './call-accounting';
import type { Attempt, Candidate } from './candidate';
import type { AttemptTimeouts } from './retry-chain';

export const someUsage: Usage = {
  input_tokens: 3,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: 1,
  reasoning_tokens: null,
};

/** What an adapter does when it is called: it says the text, if any, and fails, or ends well. */
export interface Act {
  says?: string;
  usage?: Usage;
  fails?: Error;
  /** Says nothing until it is aborted. */
  hangs?: true;
}

export interface Scripted {
  candidate: Candidate;
  /** The options of each call. */
  calls: Partial<AttemptTimeouts>[];
}

/** A model that plays its acts, one per call, the last one for ever. */
export function scripted(name: string, acts: readonly Act[], more: Partial<Candidate> = {}): Scripted {
  const calls: CallOptions[] = [];
  const next = (options: CallOptions): Act => {
    calls.push(options);
    return acts[Math.min(calls.length, acts.length) - 1] ?? {};
  };
  const adapter: ProviderAdapter = {
    stream: (_, options) => play(next(options), options),
    embed: async (_, options) => {
      for await (const event of play(next(options), options)) void event;
      return { vectors: [[1, 2]], usage: someUsage };
    },
    models: async () => [],
  };
  const ids = { provider_id: v7(), credential_id: v7() };
  const names = { provider_name: name, kind: 'openai' as const, model: `${name}-model` };
  return { calls, candidate: { ...ids, ...names, settings: {}, adapter, ...more } };
}

async function* play({ says, usage, fails, hangs }: Act, { signal }: CallOptions): AsyncGenerator<ChatEvent> {
  if (says) yield { type: 'text', text: says };
  if (usage) yield { type: 'usage', usage };
  if (hangs) {
    if (!signal?.aborted) await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
    throw new ProviderError('aborted', 'Aborted.');
  }
  if (fails) throw fails;
  yield { type: 'finish', stop_reason: 'stop', usage: someUsage };
}

/** Accounting that remembers: `open main`, `close main overloaded`. */
export function testAccounting<R extends { failure: Error | null }>() {
  const lines: string[] = [];
  const call_ids: string[] = [];
  const codeOf = ({ failure }: R) => (failure instanceof ProviderError ? failure.code : (failure?.name ?? 'done'));
  const accounting: CallAccounting<R> = {
    open: async (call_id, { provider_name }) => {
      call_ids.push(call_id);
      lines.push(`open ${provider_name}`);
    },
    close: async ({ candidate, reply }: Attempt<R>) => {
      lines.push(`close ${candidate.provider_name} ${codeOf(reply)}`);
      return { ...someUsage, cost_micro_usd: null, is_estimated: false };
    },
  };
  return { accounting, lines, call_ids };
}

/** What a provider fails with. */
export const error = (code: ProviderErrorCode, retry_after_ms?: number) =>
  new ProviderError(code, code, { retry_after_ms });

/** A model that always fails so. */
export const failing = (name: string, failure: Error) => scripted(name, [{ fails: failure }]);

export const good: Act = { says: 'Hello' };
