import { Inject, Injectable, type FactoryProvider } from '@nestjs/common';
import { messageContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';
import { ignoreNotFound, type Consumer } from './consumer';
import type { WantedEvent } from './outbox.repository';

/** Injects the `Replies` client. */
export const REPLIES = Symbol('replies');

/** What the relay asks chat for. */
export type Replies = Pick<Client<typeof messageContract>, 'settle'>;

export const repliesClient: FactoryProvider<Replies> = {
  provide: REPLIES,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(messageContract),
};

/** Asks chat to write the replies of runs that have ended, in case that it has not done so by itself. */
@Injectable()
export class ReplyConsumer implements Consumer {
  readonly isBatched = false;

  constructor(@Inject(REPLIES) private readonly replies: Replies) {}

  async consume(events: readonly WantedEvent[]): Promise<string[]> {
    for (const { run } of events) {
      if (!run?.conversation_id) continue;
      const { run_id, conversation_id } = run;
      await this.replies.settle({ run_id, conversation_id }).catch(ignoreNotFound);
    }
    return events.map(({ id }) => id);
  }
}
