import { Injectable } from '@nestjs/common';
import { conversationContract, type ConversationStart } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';
import type { FastifyReply } from 'fastify';
import type { Seen } from '../access/principals';
import { ConversationFollower } from './conversation-follower';
import { OpenStreams } from './open-streams';
import { answerEvents, plainEvents, type ServerSentEvent, type StartingPoint } from './sse';

/** Answers with everything that happens in a conversation, as SSE. */
@Injectable()
export class ConversationEvents {
  private readonly conversations: Client<typeof conversationContract>;

  constructor(
    rpc: RpcClient,
    private readonly follower: ConversationFollower,
    private readonly streams: OpenStreams,
  ) {
    this.conversations = rpc.for(conversationContract);
  }

  /** Goes on until the client leaves. That the caller may see the conversation must be checked before; it is checked again when that changes. */
  stream(reply: FastifyReply, id: string, start: ConversationStart): Promise<void> {
    return this.streams.run(reply, (signal) => answerEvents(reply, this.read(id, start, signal), plainEvents, signal), {
      isResumable: true,
      seen: this.seen(id),
    });
  }

  /** What a caller sees who was let into the conversation. */
  seen(id: string): Seen {
    return { id, check: () => this.conversations.get({ id }) };
  }

  private async *read(
    id: string,
    start: ConversationStart,
    signal: AbortSignal,
  ): AsyncGenerator<ServerSentEvent | StartingPoint> {
    yield { id: start.last_event_id };
    yield* this.follower.follow(id, start, signal);
  }
}
