import type { FactoryProvider } from '@nestjs/common';
import { messageContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';

/** Injects the `Replies` client. */
export const REPLIES = Symbol('replies');

/** What the relay asks chat for. */
export type Replies = Pick<Client<typeof messageContract>, 'settle'>;

export const repliesClient: FactoryProvider<Replies> = {
  provide: REPLIES,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(messageContract),
};
