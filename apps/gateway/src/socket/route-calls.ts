import { Injectable } from '@nestjs/common';
import { bind, conversationEventContract, messageContract, ProblemError, runContract } from '@taai/contracts';
import type { BoundMethod, ConversationStart, MessageSent, PublicMethod, Run } from '@taai/contracts';
import { RpcClient, TokenSpending, type Client } from '@taai/platform';
import { authorize } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { Principals } from '../access/principals';
import { callerScope, isGuarded } from '../admission/rate-levels';
import { RateLimiter } from '../admission/rate-limiter';

/** Does for an event what a route does for a request: the same permission, the same limits, the same call. */
@Injectable()
export class RouteCalls {
  private readonly events: Client<typeof conversationEventContract>;
  private readonly messages: Client<typeof messageContract>;
  private readonly runs: Client<typeof runContract>;

  constructor(
    rpc: RpcClient,
    private readonly limiter: RateLimiter,
    private readonly principals: Principals,
    private readonly spending: TokenSpending,
  ) {
    this.events = rpc.for(conversationEventContract);
    this.messages = rpc.for(messageContract);
    this.runs = rpc.for(runContract);
  }

  start(id: string, last_event_id?: string): Promise<ConversationStart> {
    const input = { id, ...(last_event_id !== undefined && { last_event_id }) };
    return this.admitted(bind(conversationEventContract, 'read'), 0, () => this.events.read(input));
  }

  send(id: string, content: string, idempotency_key?: string): Promise<MessageSent> {
    const options = idempotency_key === undefined ? {} : { idempotency_key };
    const send = () => this.messages.send({ id, content }, options);
    return this.admitted(bind(messageContract, 'send'), Buffer.byteLength(content), send);
  }

  cancel(id: string): Promise<Run> {
    return this.admitted(bind(runContract, 'cancel'), 0, () => this.runs.cancel({ id }));
  }

  /** Throws `forbidden` and `rate_limited`. */
  private async admitted<T>(bound: BoundMethod<PublicMethod>, bytes: number, call: () => Promise<T>): Promise<T> {
    const caller = currentCaller();
    authorize(bound.method, caller);
    const scope = callerScope(bound.method, caller, this.principals.limitsOf(caller), bytes);
    if (scope.levels.length === 0) return call();
    const { refusal } = await this.limiter.take(scope, isGuarded(bound));
    if (refusal) throw new ProblemError('rate_limited', undefined, { retry_after: refusal.retry_after });
    const held = scope.levels.find(({ name }) => name === 'tokens');
    // What the run really uses, the orchestrator takes.
    return call().finally(() => held && this.spending.spend(scope.whose, -held.amount));
  }
}
