import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { bind, contract, type ServiceName } from '@taai/contracts';
import { ContextTokens, Fernet, Handles, RpcClient, RpcServer, type Jwk } from '@taai/platform';
import { runInContext } from '@taai/tenant';
import { payload, type Contender, type Served } from './contender';

class Echo {
  id: string;
}

const echo = { summary: 'Answers what it was sent', input: Echo, output: Echo, effect: 'safe' } as const;
const echoContract = contract('task', {
  open: { ...echo, http: 'POST /v1/open', access: 'public' },
  guarded: { ...echo, http: 'POST /v1/guarded', access: 'tasks:read' },
});

const served: Served = { executions: 0 };

@Handles(echoContract)
class EchoHandler {
  async open(input: Echo): Promise<Echo> {
    served.executions++;
    return input;
  }

  async guarded(input: Echo): Promise<Echo> {
    served.executions++;
    return input;
  }
}

@Module({ controllers: [EchoHandler] })
class EchoModule {}

const request = {
  request_id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e44',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  caller: {
    tenant_id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42',
    user_id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e43',
    role: 'member',
    permissions: ['tasks:create', 'tasks:read', 'tasks:update'],
    issuer: 'gateway',
  },
} as const;

function tokensOf(service: ServiceName, jwks: readonly Jwk[]): ContextTokens {
  const privateJwk = jwks.find(({ kid }) => kid === service);
  if (!privateJwk) throw new Error(`There is no key of ${service}.`);
  return new ContextTokens({ service, privateJwk, jwks });
}

/** Of no consequence: nothing that is measured holds a secret. */
const fernet = new Fernet([`${'0'.repeat(43)}=`]);

/** The project's transport. */
export const ours: Contender = {
  async serve({ redisUrl, contextKeys }) {
    const strategy = new RpcServer({ service: 'task', redisUrl, tokens: tokensOf('task', contextKeys), fernet });
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(EchoModule, { strategy, logger: false });
    await app.listen();
    return served;
  },
  async connect({ redisUrl, contextKeys }) {
    const client = new RpcClient({ service: 'gateway', redisUrl, tokens: tokensOf('gateway', contextKeys), fernet });
    await client.connect();
    const [open, guarded] = [bind(echoContract, 'open'), bind(echoContract, 'guarded')];
    return {
      call: () => client.call(open, payload),
      callAsUser: () => runInContext(request, () => client.call(guarded, payload)),
      close: () => client.close(),
    };
  },
};
