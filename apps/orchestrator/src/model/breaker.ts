import { randomUUID } from 'node:crypto';
import { keys, log, type RedisClient } from '@taai/platform';
import type { BreakerLimits } from './breaker-limits';

/** What the outcome of a call says about its provider; `unknown`: nothing. */
export type Health = 'well' | 'unwell' | 'unknown';

/** Permission to make a call; who makes it reports, once, what came of it. */
export interface GrantedPermit {
  granted: true;
  report(health: Health): void;
}

/** A permit, or how long to wait for one. */
export type Permit = GrantedPermit | { granted: false; retry_after_ms: number };

/**
 * The breaker of one provider and credential, as one process knows it. While it is closed nobody waits for Redis: outcomes are
 * gathered and told in the background, and news of all replicas come by the channel. Redis is asked for a breaker that is new to the
 * process, and once per `recheck_ms` for one that is open. When it does not answer, the breaker counts as closed.
 */
export class Breaker {
  /** By `performance.now()`; undefined: the breaker is closed. */
  private ask_at: number | undefined = 0;
  private retry_at = 0;
  private calls = 0;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly ordinary: GrantedPermit = { granted: true, report: (health) => this.count(health) };
  private readonly key: string;

  constructor(
    private readonly name: string,
    private readonly redis: RedisClient,
    private readonly limits: BreakerLimits,
  ) {
    this.key = keys.breaker(name);
  }

  enter(): Permit | Promise<Permit> {
    if (this.ask_at === undefined) return this.ordinary;
    return performance.now() < this.ask_at ? this.refusal() : this.ask();
  }

  /** @param wait_ms null: it is closed. */
  learn(wait_ms: number | null): void {
    const now = performance.now();
    this.retry_at = now + (wait_ms ?? 0);
    this.ask_at = wait_ms === null ? undefined : now + Math.min(wait_ms, this.limits.recheck_ms);
  }

  private async ask(): Promise<Permit> {
    const token = randomUUID();
    const wait_ms = await this.redis.askBreaker(this.key, token, this.limits.probe_ms).catch(unheard);
    if (wait_ms === 0) return { granted: true, report: (health) => this.settle(token, health) };
    this.learn(wait_ms);
    return wait_ms === null ? this.ordinary : this.refusal();
  }

  private refusal(): Permit {
    return { granted: false, retry_after_ms: Math.ceil(Math.max(1, this.retry_at - performance.now())) };
  }

  private count(health: Health): void {
    if (health === 'unknown') return;
    this.calls += 1;
    if (health === 'unwell') this.failures += 1;
    this.timer ??= setTimeout(() => void this.flush(), this.limits.flush_ms).unref();
  }

  private async flush(): Promise<void> {
    const outcomes = [this.calls, this.failures];
    [this.calls, this.failures, this.timer] = [0, 0, undefined];
    const { window_ms, min_calls, failure_percent, cool_ms } = this.limits;
    const rule = [window_ms, min_calls, failure_percent, cool_ms];
    const wait_ms = await this.redis
      .recordCalls(this.key, ...outcomes, ...rule, keys.breakers(), this.name)
      .catch(unheard);
    // That it is closed may be old by now; that it closes, the channel tells.
    if (wait_ms !== null) this.learn(wait_ms);
  }

  private settle(token: string, health: Health): void {
    const { cool_ms } = this.limits;
    this.redis.settleProbe(this.key, token, health, cool_ms, keys.breakers(), this.name).catch(unheard);
  }
}

/** Without Redis there is no breaker: providers are called as if there were none. */
function unheard(error: unknown): null {
  log.debug({ err: error }, 'a circuit breaker could not be asked or told');
  return null;
}
