import { keys } from '../redis/keys';
import { messageOf, type RedisClient } from '../redis/redis';
import { log } from '../observability/logger';
import { defineRateScripts } from './rate-limit.script';

/** Takes what calls of models have used from their tenants' tokens per minute, whether or not so many are left: who comes next waits. */
export class TokenSpending {
  constructor(private readonly redis: RedisClient) {
    defineRateScripts(redis);
  }

  /** Nobody waits for it, and what is lost while Redis is away stays lost. @param tokens Fewer than none to give them back. */
  spend(tenant_id: string, tokens: number): void {
    if (tokens === 0) return;
    this.redis
      .spendTokens(keys.rates(tenant_id), tokens)
      .catch((error: unknown) => log.warn({ tenant_id, tokens, reason: messageOf(error) }, 'tokens were not counted'));
  }
}
