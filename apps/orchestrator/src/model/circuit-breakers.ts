import { Inject, Injectable } from '@nestjs/common';
import { Channels, keys, REDIS, type RedisClient } from '@taai/platform';
import { LRUCache } from 'lru-cache';
import { Breaker, type Permit } from './breaker';
import { BreakerLimits } from './breaker-limits';
import type { Candidate } from './candidate';
import { defineBreakerScripts } from './circuit-breaker.script';

/** Providers and credentials that a process remembers; the others are asked for again. */
const MAX_KNOWN = 10_000;

type Target = Pick<Candidate, 'provider_id' | 'credential_id'>;

export interface BreakerState {
  /** `half_open`: the next call, or the one under way, is a probe. */
  state: 'closed' | 'open' | 'half_open';
  /** Within the window, by all replicas. */
  calls: number;
  failures: number;
  /** When the next call may be made; null: now. */
  retry_at: Date | null;
}

/**
 * One breaker per provider and credential, shared by all replicas through Redis: it opens when half of at least ten calls of 30 s
 * failed, and after 60 s lets one call of all replicas through, which closes it or opens it again (docs/adr/0016-circuit-breaker.md).
 */
@Injectable()
export class CircuitBreakers {
  private readonly known = new LRUCache<string, Breaker>({ max: MAX_KNOWN });

  constructor(
    @Inject(REDIS) private readonly redis: RedisClient,
    channels: Channels,
    private readonly limits: BreakerLimits,
  ) {
    defineBreakerScripts(redis);
    channels.listen(keys.breakers(), {
      onMessage: (message) => this.tell(message),
      // News may have been lost: all are asked for again.
      onSubscribed: () => this.known.clear(),
    });
  }

  enter(target: Target): Permit | Promise<Permit> {
    const name = nameOf(target);
    return (this.known.get(name) ?? this.meet(name)).enter();
  }

  async state(target: Target): Promise<BreakerState> {
    const key = keys.breaker(nameOf(target));
    const [now, open_until, calls, failures] = await this.redis.readBreaker(key, this.limits.window_ms);
    const state = open_until === 0 ? 'closed' : open_until > now ? 'open' : 'half_open';
    return { state, calls, failures, retry_at: state === 'open' ? new Date(open_until) : null };
  }

  private meet(name: string): Breaker {
    const breaker = new Breaker(name, this.redis, this.limits);
    this.known.set(name, breaker);
    return breaker;
  }

  private tell(message: string): void {
    const [name = '', wait_ms] = message.split(' ');
    this.known.get(name)?.learn(wait_ms === undefined ? null : Number(wait_ms));
  }
}

const nameOf = ({ provider_id, credential_id }: Target): string => `${provider_id}:${credential_id}`;
