import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { payload, type Contender, type Served } from './contender';

// It logs every reply that comes twice, which with two replicas is every call.
Logger.overrideLogger(false);

const served: Served = { executions: 0 };

@Controller()
class EchoHandler {
  @MessagePattern('bench.echo')
  async echo(input: object): Promise<object> {
    served.executions++;
    return input;
  }
}

@Module({ controllers: [EchoHandler] })
class EchoModule {}

const transport = (redisUrl: string) => {
  const { hostname: host, port } = new URL(redisUrl);
  return { transport: Transport.REDIS, options: { host, port: Number(port) } } as const;
};

/** Nest's own Redis transporter: publish and subscribe. */
export const nest: Contender = {
  async serve({ redisUrl }) {
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(EchoModule, {
      ...transport(redisUrl),
      logger: false,
    });
    await app.listen();
    return served;
  },
  async connect({ redisUrl }) {
    const client = ClientProxyFactory.create(transport(redisUrl));
    await client.connect();
    return {
      call: () => firstValueFrom(client.send<unknown>('bench.echo', payload)),
      close: async () => void (await client.close()),
    };
  },
};
