import { setTimeout as delay } from 'node:timers/promises';
import { ProviderError } from '@taai/providers';
import { v7 } from 'uuid';
import { healthOf, verdictOn, type Outcome, type Verdict } from './attempt-verdict';
import type { GrantedPermit, Health } from './breaker';
import type { CallAccounting } from './call-accounting';
import type { CallerLimits } from './caller-limits';
import type { Attempt, Candidate } from './candidate';
import type { CircuitBreakers } from './circuit-breakers';

export interface AttemptTimeouts {
  signal: AbortSignal;
  timeout_ms: number;
  first_token_timeout_ms: number;
}

/** Asks one model once; does not throw. */
export type Ask<R extends Outcome> = (candidate: Candidate, timeouts: AttemptTimeouts) => Promise<R>;

export interface ChainContext {
  breakers: CircuitBreakers;
  limits: CallerLimits;
}

export interface ChainOptions<R> {
  signal: AbortSignal;
  /** Milliseconds since 1970: retries and fallbacks included. */
  deadline: number;
  accounting: CallAccounting<R>;
}

/** One question on its way through several models, with retries at each. */
export class RetryChain<R extends Outcome> {
  /** Not closed yet. */
  private last: Attempt<R> | undefined;
  private retry_after_ms = Infinity;

  constructor(
    private readonly context: ChainContext,
    private readonly ask: Ask<R>,
    private readonly options: ChainOptions<R>,
  ) {}

  /** @throws ProviderError `overloaded` when all are held back */
  async run(candidates: readonly Candidate[]): Promise<Attempt<R>> {
    if (candidates.length === 0) throw new Error('There is no model to call.');
    for (const [index, candidate] of candidates.entries()) {
      const hasFallback = index < candidates.length - 1;
      if ((await this.turnOf(candidate, hasFallback)) === 'end') break;
    }
    if (this.last) return this.last;
    const { retry_after_ms } = this;
    const detail = 'No call was made, because too many failed of late: the provider is left alone for a while.';
    throw new ProviderError('overloaded', detail, { retry_after_ms });
  }

  private async turnOf(candidate: Candidate, hasFallback: boolean): Promise<'next' | 'end'> {
    const { max_retries = this.context.limits.max_retries } = candidate.settings;
    for (let retry = 0; this.hasTime(); retry += 1) {
      const permit = await this.context.breakers.enter(candidate);
      if (!permit.granted) {
        this.retry_after_ms = Math.min(this.retry_after_ms, permit.retry_after_ms);
        return 'next';
      }
      const verdict = await this.attempt(candidate, permit);
      if (verdict !== 'retry') return verdict;
      const pause_ms = this.pauseBefore(retry, hasFallback);
      if (retry >= max_retries || pause_ms === null) return 'next';
      // The loop looks at the signal.
      await delay(pause_ms, undefined, { signal: this.options.signal }).catch(() => undefined);
    }
    return 'end';
  }

  /** The first attempt is made whatever the time, so that there is one to report. */
  private hasTime(): boolean {
    const { signal, deadline } = this.options;
    return !this.last || (!signal.aborted && Date.now() < deadline);
  }

  private async attempt(candidate: Candidate, permit: GrantedPermit): Promise<Verdict> {
    const { accounting } = this.options;
    let health: Health = 'unknown';
    try {
      if (this.last) await accounting.close(this.last);
      const call_id = v7();
      await accounting.open(call_id, candidate);
      const reply = await this.ask(candidate, this.timeoutsOf(candidate));
      health = healthOf(reply);
      this.last = { call_id, candidate, reply };
      return verdictOn(reply);
    } finally {
      permit.report(health);
    }
  }

  private timeoutsOf({ settings }: Candidate): AttemptTimeouts {
    const { signal, deadline } = this.options;
    const timeout_ms = Math.max(1, deadline - Date.now());
    const first = settings.timeout_ms ?? this.context.limits.first_token_timeout_ms;
    return { signal, timeout_ms, first_token_timeout_ms: Math.min(first, timeout_ms) };
  }

  /** Milliseconds, jitter over the whole of them; null when somebody else should be asked instead. */
  private pauseBefore(retry: number, hasFallback: boolean): number | null {
    const { limits } = this.context;
    const failure = this.last?.reply.failure;
    const asked = (failure instanceof ProviderError && failure.retry_after_ms) || 0;
    const most = hasFallback ? limits.longest_retry_after_with_fallback_ms : limits.longest_retry_after_ms;
    const pause = asked + Math.random() * Math.min(limits.longest_pause_ms, limits.pause_ms * 2 ** retry);
    return asked > most || pause >= this.options.deadline - Date.now() ? null : pause;
  }
}
