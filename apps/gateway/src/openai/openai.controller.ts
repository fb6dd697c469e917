import { Controller, Req, Res } from '@nestjs/common';
import { bind, completionContract } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ContractRoute } from '../route/route';
import { OpenStreams } from '../stream/open-streams';
import { answerHeaders, chatCompletion } from './chat-answer';
import { readChat, readEmbedding } from './chat-reader';
import { answerChunks } from './chat-stream';
import { answerVectors } from './embeddings-answer';

const [streamMethod, embedMethod] = [bind(completionContract, 'stream'), bind(completionContract, 'embed')];

/** The door for OpenAI's clients. It knows their format; who answers, and what that costs, the orchestrator knows. */
@Controller()
export class OpenAiController {
  private readonly completions;

  constructor(
    private readonly rpc: RpcClient,
    private readonly streams: OpenStreams,
  ) {
    this.completions = rpc.for(completionContract);
  }

  @ContractRoute(bind(completionContract, 'chat'))
  async chat(@Req() { body }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { call, stream, include_usage } = readChat(body);
    await this.streams.run(reply, async (signal) => {
      if (stream) {
        await answerChunks(reply, this.rpc.streamRaw(streamMethod, call, { signal }), { include_usage, signal });
        return;
      }
      const completion = await this.completions.chat(call, { signal });
      const headers = answerHeaders(completion.head, reply.elapsedTime, completion.end.usage);
      void reply.headers(headers).send(JSON.stringify(chatCompletion(completion)));
    });
  }

  @ContractRoute(bind(completionContract, 'embed'))
  async embed(@Req() { body }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = readEmbedding(body);
    await this.streams.run(reply, (signal) =>
      answerVectors(reply, this.rpc.streamRaw(embedMethod, call, { signal }), signal),
    );
  }
}
