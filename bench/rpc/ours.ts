import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { bind, contract, type Handler, type ServiceName } from '@taai/contracts';
import { ContextTokens, Handles, RpcClient, RpcServer, type Jwk } from '@taai/platform';
import { runInContext } from '@taai/tenant';
import { payload, type Contender, type Served } from './contender';

class Echo {
  id: string;
}

const echoContract = contract('task', {
  echo: {
    summary: 'Answers what it was sent',
    http: 'POST /v1/echo',
    access: 'public',
    input: Echo,
    output: Echo,
    effect: 'safe',
  },
});

const served: Served = { executions: 0 };

@Handles(echoContract)
class EchoHandler implements Handler<typeof echoContract> {
  async echo(input: Echo): Promise<Echo> {
    served.executions++;
    return input;
  }
}

@Module({ controllers: [EchoHandler] })
class EchoModule {}

const caller = {
  tenant_id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42',
  user_id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e43',
  role: 'member',
  permissions: ['tasks:create', 'tasks:read', 'tasks:update'],
  issuer: 'gateway',
} as const;

function tokensOf(service: ServiceName, jwks: readonly Jwk[]): ContextTokens {
  const privateJwk = jwks.find(({ kid }) => kid === service);
  if (!privateJwk) throw new Error(`There is no key of ${service}.`);
  return new ContextTokens({ service, privateJwk, jwks });
}

/** The project's transport as it is used: signed caller, permission check, trace context, deadlines. */
export const ours: Contender = {
  async serve({ redisUrl, contextKeys }) {
    const tokens = tokensOf('task', contextKeys);
    const strategy = new RpcServer({ service: 'task', redisUrl, tokens });
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(EchoModule, { strategy, logger: false });
    await app.listen();
    return served;
  },
  async connect({ redisUrl, contextKeys }) {
    const tokens = tokensOf('gateway', contextKeys);
    const client = new RpcClient({ service: 'gateway', redisUrl, tokens });
    await client.connect();
    const method = bind(echoContract, 'echo');
    const context = {
      request_id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e44',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      caller,
    };
    return {
      call: () => process.env['CTX'] ? runInContext(context, () => client.call(method, payload)) : client.call(method, payload),
      close: () => client.close(),
    };
  },
};
