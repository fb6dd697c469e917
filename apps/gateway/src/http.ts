import helmet from '@fastify/helmet';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { HealthModule, NestLogger, readGatewayConfig, type GatewayConfig, type Platform } from '@taai/platform';
import { assertValidationWorks, validation } from './input';
import { openApiDocument } from './openapi';
import { ProblemFilter } from './problem.filter';
import { addRequestContext } from './request-context';
import { expectRoutes } from './route-check';

/** Starts the edge: the routes of the contracts on Fastify. */
export async function startHttp(module: DynamicModule, { config, redis }: Platform): Promise<INestApplicationContext> {
  const gateway = readGatewayConfig();
  const health = HealthModule.for({ redis: () => redis.ping() });
  const app = await createHttp({ module: class HttpModule {}, imports: [module, health] }, gateway);
  await app.listen(gateway.port, config.host);
  return app;
}

async function createHttp(module: DynamicModule, config: GatewayConfig): Promise<NestFastifyApplication> {
  await assertValidationWorks();
  const adapter = new FastifyAdapter({
    bodyLimit: config.bodyLimitBytes,
    trustProxy: config.trustProxy,
    routerOptions: { maxParamLength: 128 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(),
    abortOnError: false,
  });
  const fastify = adapter.getInstance();
  const checkRoutes = expectRoutes(fastify);
  addRequestContext(fastify);
  await app.register(helmet, { contentSecurityPolicy: false });
  app.enableCors({ origin: [...config.corsOrigins], exposedHeaders: ['x-request-id', 'retry-after'] });
  app.useGlobalPipes(validation);
  app.useGlobalFilters(new ProblemFilter());
  SwaggerModule.setup('docs', app, openApiDocument(), { jsonDocumentUrl: 'docs/openapi.json', raw: ['json'] });
  await app.init();
  checkRoutes();
  return app;
}
