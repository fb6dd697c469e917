import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { bind, boundMethods, contract, Empty, type BoundMethod } from '@taai/contracts';
import { ContextTokens, Fernet, RpcClient, type CallOptions, type Jwk } from '@taai/platform';
import { AccessFeed } from '../../apps/gateway/src/access/access-feed';
import { AccessGuard, CredentialStrategy } from '../../apps/gateway/src/access/access.guard';
import { AccessTokens } from '../../apps/gateway/src/access/credentials';
import { addGuards } from '../../apps/gateway/src/access/guards';
import { contractControllers } from '../../apps/gateway/src/route/route';
import { validation } from '../../apps/gateway/src/route/validation';
import { GATEWAY_CONFIG, Principals } from '../../apps/gateway/src/access/principals';
import { ProblemFilter } from '../../apps/gateway/src/http/problem.filter';
import { addRequestContext } from '../../apps/gateway/src/http/request-hooks';

/** What the process of the edge is told. */
export interface EdgeOrder {
  port: number;
  redisUrl: string;
  contextKeys: readonly Jwk[];
  rpcKey: string;
}

const noop = { summary: 'Does nothing', input: Empty, output: Empty, effect: 'safe' } as const;

/** The same route twice: for anybody, and for callers with a permission. */
const noopContract = contract('task', {
  open: { ...noop, http: 'GET /bench/open', access: 'public' },
  guarded: { ...noop, http: 'GET /bench/guarded', access: 'tasks:read' },
});
const noops = new Set(boundMethods(noopContract).map(({ rpc }) => rpc));

/** Answers the no-ops itself: what is measured is the edge. */
class NoopRpc extends RpcClient {
  override callRaw(bound: BoundMethod, input: object, options?: CallOptions): Promise<string> {
    return noops.has(bound.rpc) ? Promise.resolve('{}') : super.callRaw(bound, input, options);
  }
}

/** Serves the no-ops as the gateway serves its routes: context, log, metrics, validation, access. */
export async function serveEdge({ port, redisUrl, contextKeys, rpcKey }: EdgeOrder): Promise<void> {
  const privateJwk = contextKeys.find(({ kid }) => kid === 'gateway');
  if (!privateJwk) throw new Error('There is no key of the gateway.');
  const tokens = new ContextTokens({ service: 'gateway', privateJwk, jwks: contextKeys });
  const rpc = new NoopRpc({ service: 'gateway', redisUrl, tokens, fernet: new Fernet([rpcKey]) });

  @Global()
  @Module({
    controllers: contractControllers([bind(noopContract, 'open'), bind(noopContract, 'guarded')]),
    providers: [
      ...[AccessTokens, Principals, AccessFeed, CredentialStrategy],
      { provide: RpcClient, useValue: rpc },
      { provide: ContextTokens, useValue: tokens },
      { provide: GATEWAY_CONFIG, useValue: { accessGraceMs: 30_000 } },
      AccessGuard,
    ],
  })
  class EdgeModule {}

  const adapter = new FastifyAdapter();
  const app = await NestFactory.create<NestFastifyApplication>(EdgeModule, adapter, {
    logger: ['error'],
    abortOnError: false,
  });
  addRequestContext(adapter.getInstance());
  addGuards(adapter.getInstance(), [app.get(AccessGuard)]);
  app.useGlobalPipes(validation);
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(port, '127.0.0.1');
  process.on('disconnect', () => process.exit(0));
}
