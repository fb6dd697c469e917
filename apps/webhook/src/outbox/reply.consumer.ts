import { Inject, Injectable, type FactoryProvider } from '@nestjs/common';
import { messageContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';
import { unlessGone, type Consumer } from './consumer';
import type { Remaining } from './outbox.repository';

/** Injects the `Replies` client. */
export const REPLIES = Symbol('replies');

/** What the relay asks chat for. */
export type Replies = Pick<Client<typeof messageContract>, 'settle'>;

export const repliesClient: FactoryProvider<Replies> = {
  provide: REPLIES,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(messageContract),
};

/** Has the replies of runs that have ended written into their conversations, should chat not have done so. */
@Injectable()
export class ReplyConsumer implements Consumer {
  readonly isBatched = false;

  constructor(@Inject(REPLIES) private readonly replies: Replies) {}

  async consume(events: readonly Remaining[]): Promise<string[]> {
    for (const { data } of events) {
      const { run_id, conversation_id } = data ?? {};
      if (typeof run_id !== 'string' || typeof conversation_id !== 'string') continue;
      await this.replies.settle({ run_id, conversation_id }).catch(unlessGone);
    }
    return events.map(({ id }) => id);
  }
}
