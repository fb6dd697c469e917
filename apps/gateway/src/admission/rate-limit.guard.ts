import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerGuard, type ThrottlerStorage } from '@nestjs/throttler';
import { ProblemError, type PublicMethod } from '@taai/contracts';
import { dialectAt, dialects } from '@taai/dialects';
import { TokenSpending } from '@taai/platform';
import { currentContext } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Principals } from '../access/principals';
import { openAiHeaders, rateHeaders } from './rate-headers';
import type { LevelState } from './rate-decision';
import { callerScope, isGuarded, networkScope, type RateLevel, type RateScope } from './rate-levels';
import { RateLimiter } from './rate-limiter';

/** The throttler's own is asked once for each level, so that it cannot take from all or none of them. */
const noStorage: ThrottlerStorage = {
  increment: () => Promise.reject(new Error('Rates are decided on by the limiter.')),
};

/**
 * Holds every request of a contract's route to the limits of its caller's tenant, or of its network where nobody is authenticated. It runs
 * behind authentication and before the body is read (`addGuards`).
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  // Named by hand: what the throttler's constructor injects by name would be taken over else.
  constructor(
    @Inject(RateLimiter) private readonly limiter: RateLimiter,
    @Inject(Principals) private readonly principals: Principals,
    @Inject(TokenSpending) private readonly spending: TokenSpending,
  ) {
    super([], noStorage, new Reflector());
  }

  /** The throttler's warns that it was given no limits: ours are the contracts' and the plans'. */
  override async onModuleInit(): Promise<void> {}

  /** Throws `rate_limited`, and `service_unavailable` for a guarded route while nobody can tell. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const [request, reply] = [http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>()];
    const { bound } = request.routeOptions.config;
    if (!bound) return true;
    const scope = await this.scopeOf(bound.method, request);
    if (scope.levels.length === 0) return true;
    const { states, refusal } = await this.limiter.take(scope, isGuarded(bound));
    void reply.headers(headersOf(request.url, states));
    if (refusal) throw new ProblemError('rate_limited', wordsOf(refusal.level), { retry_after: refusal.retry_after });
    this.giveBackTokens(scope, reply);
    return true;
  }

  private async scopeOf(method: PublicMethod, { headers }: FastifyRequest): Promise<RateScope> {
    const { caller, ip } = currentContext() ?? {};
    if (!caller) return networkScope(method, await this.getTracker({ ip }));
    return callerScope(method, caller, this.principals.limitsOf(caller), Number(headers['content-length'] ?? 0));
  }

  /** What was held for an answer is given back at its end: the orchestrator takes what its calls have really used. */
  private giveBackTokens({ whose, levels }: RateScope, reply: FastifyReply): void {
    const held = levels.find(({ name }) => name === 'tokens');
    if (held) reply.raw.once('close', () => this.spending.spend(whose, -held.amount));
  }
}

const headersOf = (url: string, states: readonly LevelState[]) => ({
  ...rateHeaders(states),
  ...(dialectAt(url, dialects) && openAiHeaders(states)),
});

const wordsOf = ({ name, per_minute }: RateLevel): string =>
  `The limit of the ${name} is reached: ${per_minute} ${name === 'tokens' ? 'tokens' : 'requests'} per minute.`;
