import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { conversationEventContract, MAX_NEWEST, type NewMessages } from '@taai/contracts';
import { Channels, keys, log, Periodic, RpcClient, type Client } from '@taai/platform';
import { currentCaller, runAs, type Caller } from '@taai/tenant';
import { ConversationTail } from './conversation-tail';

/** How long nobody hears of a message whose announcement was lost, in milliseconds. */
const SILENCE_MS = 5000;

/**
 * The newest messages of the conversations that readers of this process follow. Chat tells by a channel that there are some, which may be
 * lost: so all conversations are looked at every 5 s, and after each new subscription, with one question for each tenant.
 */
@Injectable()
export class ConversationTails implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly tails = new Map<string, ConversationTail>();
  private readonly looking = new Periodic(SILENCE_MS, () => this.lookAtAll());
  private readonly events: Client<typeof conversationEventContract>;

  constructor(
    rpc: RpcClient,
    private readonly channels: Channels,
  ) {
    this.events = rpc.for(conversationEventContract);
  }

  onApplicationBootstrap(): void {
    this.looking.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.looking.stop();
  }

  /** The end of a conversation of the caller's tenant, kept up until `leave` is called. */
  join(conversation_id: string): { tail: ConversationTail; leave: () => void } {
    const { tenant_id } = currentCaller();
    const tail = this.tails.get(conversation_id) ?? this.open(conversation_id, tenant_id);
    tail.readers += 1;
    return { tail, leave: () => this.leave(tail) };
  }

  private open(conversation_id: string, tenant_id: string): ConversationTail {
    const asGateway = gatewayOf(tenant_id);
    const ask = (after: string): Promise<NewMessages> =>
      runAs(asGateway, () => this.events.after({ conversation_id, after }));
    const tail = new ConversationTail(conversation_id, tenant_id, ask);
    tail.unlisten = this.channels.listen(keys.conversationLive(conversation_id), {
      onMessage: () => tail.tell(),
      onSubscribed: () => this.looking.wake(),
    });
    this.tails.set(conversation_id, tail);
    return tail;
  }

  private leave(tail: ConversationTail): void {
    tail.readers -= 1;
    if (tail.readers > 0) return;
    tail.unlisten();
    this.tails.delete(tail.conversation_id);
  }

  private async lookAtAll(): Promise<void> {
    const byTenant = Map.groupBy(this.tails.values(), ({ tenant_id }) => tenant_id);
    for (const [tenant_id, tails] of byTenant) {
      for (let at = 0; at < tails.length; at += MAX_NEWEST) {
        // Whoever follows conversations of other tenants must not wait for this one.
        await this.look(tenant_id, tails.slice(at, at + MAX_NEWEST)).catch((error: unknown) =>
          log.debug({ err: error }, 'new messages are looked for later'),
        );
      }
    }
  }

  private async look(tenant_id: string, tails: readonly ConversationTail[]): Promise<void> {
    const conversation_ids = tails.map((tail) => tail.conversation_id);
    const { newest } = await runAs(gatewayOf(tenant_id), () => this.events.newest({ conversation_ids }));
    for (const tail of tails) if (tail.isBehind(newest[tail.conversation_id])) tail.tell();
  }
}

const gatewayOf = (tenant_id: string): Caller => ({ tenant_id, permissions: [], issuer: 'gateway' });
