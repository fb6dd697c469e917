import { Injectable } from '@nestjs/common';
import { bind, completionContract } from '@taai/contracts';
import type { ChatDialect, Dialect, EmbeddingsDialect, ModelDialect, ModelsDialect } from '@taai/dialects';
import { RpcClient } from '@taai/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { inputOf } from '../route/input';
import { OpenStreams } from '../stream/open-streams';
import { answerHeaders } from './answer-headers';
import { answerStream } from './chat-stream';
import { answerVectors } from './vector-stream';

const [streamMethod, embedMethod] = [bind(completionContract, 'stream'), bind(completionContract, 'embed')];

/** Answers those who speak a dialect. It knows no API: what is asked, and in which words it is answered, the dialect says. */
@Injectable()
export class DialectAnswers {
  private readonly completions;

  constructor(
    private readonly rpc: RpcClient,
    private readonly streams: OpenStreams,
  ) {
    this.completions = rpc.for(completionContract);
  }

  async answer(dialect: Dialect, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    switch (dialect.kind) {
      case 'chat':
        return this.chat(dialect, request, reply);
      case 'embeddings':
        return this.embeddings(dialect, request, reply);
      case 'models':
        return this.models(dialect, request, reply);
      case 'model':
        return this.model(dialect, request, reply);
    }
  }

  private async chat(dialect: ChatDialect, { body }: FastifyRequest, reply: FastifyReply): Promise<void> {
    const asked = dialect.request.read(body);
    await this.streams.run(reply, async (signal) => {
      if (asked.stream) {
        const pieces = this.rpc.streamRaw(streamMethod, asked.request, { signal });
        return answerStream(reply, pieces, dialect, { asked, signal });
      }
      const completion = await this.completions.chat(asked.request, { signal });
      const headers = answerHeaders(completion.head, reply.elapsedTime, completion.end.usage);
      void reply.headers(headers).send(dialect.reply.write(completion, asked));
    });
  }

  private async embeddings(dialect: EmbeddingsDialect, { body }: FastifyRequest, reply: FastifyReply): Promise<void> {
    const call = dialect.request.read(body);
    await this.streams.run(reply, (signal) =>
      answerVectors(reply, this.rpc.streamRaw(embedMethod, call, { signal }), dialect, signal),
    );
  }

  private async models(dialect: ModelsDialect, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    dialect.request.read(inputOf(request, dialect.http));
    const { models } = await this.completions.models({});
    void reply.send(dialect.reply.write(models));
  }

  private async model(dialect: ModelDialect, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id } = dialect.request.read(inputOf(request, dialect.http));
    void reply.send(dialect.reply.write(await this.completions.model({ id })));
  }
}
