import { Controller, Injectable, Req, Res, type Type } from '@nestjs/common';
import { bind, completionContract } from '@taai/contracts';
import {
  dialects as allDialects,
  routeOf,
  type ChatDialect,
  type Dialect,
  type EmbeddingsDialect,
  type ModelDialect,
  type ModelsDialect,
} from '@taai/dialects';
import { RpcClient } from '@taai/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Concurrency } from '../admission/concurrency';
import { ContractRoute, inputOf } from '../route/route';
import { OpenStreams } from '../stream/open-streams';
import { answerHeaders, answerStream, answerVectors } from './answers';

/** The controller of the routes at which APIs of others are spoken. */
export function dialectController(dialects: readonly Dialect[] = allDialects): Type {
  class DialectController extends DialectAnswers {}
  for (const dialect of dialects) addRoute(DialectController.prototype, dialect);
  Controller()(DialectController);
  return DialectController;
}

function addRoute(prototype: DialectAnswers, dialect: Dialect): void {
  const descriptor = {
    value(this: DialectAnswers, request: FastifyRequest, reply: FastifyReply) {
      return this.answer(dialect, request, reply);
    },
    configurable: true,
  };
  Object.defineProperty(prototype, dialect.name, descriptor);
  Req()(prototype, dialect.name, 0);
  Res()(prototype, dialect.name, 1);
  ContractRoute(routeOf(dialect), asksModel(dialect) ? 'door_calls' : undefined)(prototype, dialect.name, descriptor);
}

const asksModel = ({ kind }: Dialect) => kind === 'chat' || kind === 'embeddings';

const [streamMethod, embedMethod] = [bind(completionContract, 'stream'), bind(completionContract, 'embed')];

/** Answers those who speak a dialect. It knows no API: what is asked, and in which words it is answered, the dialect says. */
@Injectable()
class DialectAnswers {
  private readonly completions;

  constructor(
    private readonly rpc: RpcClient,
    private readonly streams: OpenStreams,
    private readonly concurrency: Concurrency,
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
    if (asked.stream) await this.concurrency.take('open_streams', reply.raw);
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
