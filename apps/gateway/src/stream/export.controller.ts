import { Controller, Res } from '@nestjs/common';
import {
  bind,
  conversationContract,
  ExportConversation,
  limits,
  messageContract,
  type Message,
  type PageOf,
} from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { ContractRoute, Input } from '../route/route';
import { json, markdown, type ExportFormat } from './export-formats';
import { OpenStreams } from './open-streams';
import { beginAnswer, writeAll } from './writer';

/** Streams a conversation as a file, page by page: each is fetched when the client has taken the one before. */
@Controller()
export class ExportController {
  private readonly conversations;
  private readonly messages;

  constructor(
    rpc: RpcClient,
    private readonly streams: OpenStreams,
  ) {
    this.conversations = rpc.for(conversationContract);
    this.messages = rpc.for(messageContract);
  }

  @ContractRoute(bind(conversationContract, 'export'))
  async download(@Input() input: ExportConversation, @Res() reply: FastifyReply): Promise<void> {
    const conversation = await this.conversations.export(input);
    const format = input.format === 'json' ? json : markdown;
    await this.streams.run(reply, async (signal) => {
      beginAnswer(reply, {
        'content-type': format.contentType,
        'content-disposition': `attachment; filename="conversation-${conversation.id}.${format.extension}"`,
        'cache-control': 'private, no-store',
      });
      reply.raw.write(format.begin(conversation));
      await writeAll(reply, this.pieces(conversation.id, format, signal), { format: (piece) => piece, signal });
      reply.raw.end(format.end);
    });
  }

  private async *pieces(id: string, format: ExportFormat, signal: AbortSignal): AsyncGenerator<string> {
    const caller = currentCaller();
    const limit = limits.pageRows;
    let cursor: string | undefined;
    let isFirst = true;
    do {
      signal.throwIfAborted();
      const after: { cursor?: string } = cursor === undefined ? {} : { cursor };
      // runAs, because a download outlives the token that its request began with.
      const page: PageOf<Message> = await runAs(caller, () => this.messages.list({ id, limit, ...after }));
      for (const message of page.data) {
        yield format.message(message, isFirst);
        isFirst = false;
      }
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }
}
