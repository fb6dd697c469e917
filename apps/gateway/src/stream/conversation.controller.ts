import { Controller, Res } from '@nestjs/common';
import { bind, conversationEventContract, ReadConversationEvents } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';
import type { FastifyReply } from 'fastify';
import { ContractRoute, Input } from '../route/route';
import { ConversationEvents } from './conversation-events';

/** Streams conversations. */
@Controller()
export class ConversationController {
  private readonly events: Client<typeof conversationEventContract>;

  constructor(
    rpc: RpcClient,
    private readonly streams: ConversationEvents,
  ) {
    this.events = rpc.for(conversationEventContract);
  }

  @ContractRoute(bind(conversationEventContract, 'read'), 'sse_readers')
  async read(@Input() input: ReadConversationEvents, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.streams.stream(reply, input.id.toLowerCase(), await this.events.read(input));
  }
}
