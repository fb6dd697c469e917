import { Controller, Res } from '@nestjs/common';
import { bind, FollowShared, shareContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';
import type { FastifyReply } from 'fastify';
import { Concurrency } from '../../admission/concurrency';
import { ContractRoute, Input } from '../../route/route';
import { SharedStreams } from './shared-streams';

/** Streams at once. */
const MOST_OF_LINK = 100;
const MOST_OF_TENANT = 1000;

/** Streams conversations to whoever has a link. */
@Controller()
export class SharedController {
  private readonly shares: Client<typeof shareContract>;

  constructor(
    rpc: RpcClient,
    private readonly streams: SharedStreams,
    private readonly concurrency: Concurrency,
  ) {
    this.shares = rpc.for(shareContract);
  }

  @ContractRoute(bind(shareContract, 'follow'))
  async follow(@Input() input: FollowShared, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const start = await this.shares.follow(input);
    await this.concurrency.takeShared('link_streams', start.share_id, MOST_OF_LINK, reply.raw);
    await this.concurrency.takeShared('tenant_link_streams', start.tenant_id, MOST_OF_TENANT, reply.raw);
    return this.streams.stream(reply, start, () => this.shares.follow({ token: input.token }));
  }
}
