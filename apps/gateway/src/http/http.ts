import type { DynamicModule, INestApplication, INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { limits, publicMethods } from '@taai/contracts';
import { dialects as allDialects, routeOf, type Dialect } from '@taai/dialects';
import { createRedis, HealthModule, NestLogger, type Platform } from '@taai/platform';
import { fastify } from 'fastify';
import { answerUnreadable, answerUnroutable } from './client-errors';
import { longestBody, readBodies } from './body';
import { limitBodyTime, timeFor, type BodyPace } from './body-time';
import { InlineFiles } from '../file/inline-files';
import { refuseUnknownRoutes } from './unknown-routes';
import { readGatewayConfig, type GatewayConfig } from '../config';
import { corsOptions } from './cors';
import { AccessGuard } from '../access/access.guard';
import { RateLimitGuard } from '../admission/rate-limit.guard';
import { DeniedAccess } from '../access/denied-access';
import { addGuards, type HeadGuard } from '../access/guards';
import { InFlightGuard } from '../admission/in-flight.guard';
import { assertValidationWorks, validation } from '../route/validation';
import { openApiDocument } from '../openapi/openapi';
import { GATEWAY_CONFIG } from '../access/principals';
import { ProblemFilter } from './problem.filter';
import { addLimits, addRequestContext, refusePlainHttp, trusts } from './request-hooks';
import { expectRoutes } from '../route/route-check';
import { AdapterRedis, type Connect } from '../socket/adapter-redis';
import { comesAsAsked } from '../socket/plain-request';
import { asksForSocket, SocketAdapter } from '../socket/socket-adapter';
import { addSecurityHeaders } from './security-headers';

/** Milliseconds, but for the pace of bodies. Answers may take as long as they like. */
export interface Timeouts extends BodyPace {
  /** From the connection's start, or the last answer's end, to the end of the headers. */
  headersTimeout: number;
  /** Without a byte in either direction: longer than a plain request waits for its run. Ends readers that stopped reading. */
  connectionTimeout: number;
  /** Between an answer and the next request: longer than load balancers keep an idle connection, so that they close it first. */
  keepAliveTimeout: number;
  /** How often Node looks for those that are late. */
  connectionsCheckingInterval: number;
}

export const defaultTimeouts: Timeouts = {
  headersTimeout: 10_000,
  requestTimeout: limits.bodySeconds * 1000,
  bodyBytesPerSecond: limits.bodyBytesPerSecond,
  connectionTimeout: 12 * 60_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2000,
};

/** Starts the edge: the routes of the contracts on Fastify. */
export async function startHttp(module: DynamicModule, { config, redis }: Platform): Promise<INestApplicationContext> {
  const gateway = readGatewayConfig();
  const health = HealthModule.for({ redis: () => redis.ping() });
  const settings = { provide: GATEWAY_CONFIG, useValue: gateway };
  const http = { module: class HttpModule {}, global: true, providers: [settings], exports: [GATEWAY_CONFIG] };
  const connect: Connect = (role) =>
    createRedis(config.redisUrl, { role, connectionName: `${config.service}:sockets` });
  const sockets = (app: INestApplication) =>
    new SocketAdapter(app, new AdapterRedis(redis, connect), comesAsAsked(gateway));
  const app = await createHttp({ ...http, imports: [module, health] }, gateway, { sockets });
  await app.listen(gateway.port, config.host);
  return app;
}

interface Parts {
  timeouts?: Timeouts;
  dialects?: readonly Dialect[];
  /** What sockets are served by. */
  sockets?: (app: INestApplication) => WebSocketAdapter;
}

/** The application of `module`, whose controllers must be all that the contracts and dialects ask for, ready to listen. */
export async function createHttp(
  module: DynamicModule,
  config: GatewayConfig,
  { timeouts = defaultTimeouts, dialects = allDialects, sockets }: Parts = {},
): Promise<NestFastifyApplication> {
  assertValidationWorks();
  const adapter = new FastifyAdapter(await createServer(config, timeouts, dialects));
  const server = adapter.getInstance();
  const routes = [...publicMethods, ...dialects.map(routeOf)];
  const checkRoutes = expectRoutes(server, routes);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(),
    abortOnError: false,
    bodyParser: false, // Fastify's own reads JSON; Nest's would read forms, too
  });
  if (sockets) app.useWebSocketAdapter(sockets(app));
  app.get(DeniedAccess, { strict: false }).listen(server);
  if (config.corsOrigins.length > 0) app.enableCors(corsOptions(config.corsOrigins));
  addLimits(server);
  if (config.httpsOnly) refusePlainHttp(server);
  refuseUnknownRoutes(server);
  addGuards(
    server,
    [AccessGuard, RateLimitGuard, InFlightGuard].map((guard) => app.get<HeadGuard>(guard, { strict: false })),
  );
  readBodies(server, config, app.get(InlineFiles, { strict: false }));
  app.useGlobalPipes(validation);
  app.useGlobalFilters(new ProblemFilter(dialects));
  SwaggerModule.setup('docs', app, openApiDocument(), {
    jsonDocumentUrl: 'docs/openapi.json',
    raw: ['json'],
    swaggerOptions: { validatorUrl: 'none' }, // else the page asks a server of Swagger's makers
  });
  await app.init();
  checkRoutes();
  return app;
}

/** Fastify with the hooks that come before all others, so that whatever refuses a request, the answer has its headers. */
async function createServer(config: GatewayConfig, timeouts: Timeouts, dialects: readonly Dialect[]) {
  const server = fastify({
    ...serverOptions(config, timeouts),
    trustProxy: config.trustProxy.length > 0 && trusts(config.trustProxy),
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, request, reply) => answerUnroutable(error, request, reply, dialects),
  });
  addRequestContext(server);
  limitBodyTime(server, timeouts);
  await addSecurityHeaders(server, config);
  return server;
}

/** What Fastify and Node bound by themselves. */
const serverOptions = (bounds: GatewayConfig, timeouts: Timeouts) => ({
  bodyLimit: bounds.bodyLimitBytes,
  routerOptions: { maxParamLength: 128 },
  // One for all requests, those without a route, too: that of the largest body. Its own pace each is held to by `limitBodyTime`.
  requestTimeout: timeFor(longestBody(bounds), timeouts),
  connectionTimeout: timeouts.connectionTimeout,
  keepAliveTimeout: timeouts.keepAliveTimeout,
  http: {
    requireHostHeader: false, // addLimits requires it, and answers in our words
    maxHeaderSize: limits.headerBytes,
    headersTimeout: timeouts.headersTimeout,
    connectionsCheckingInterval: timeouts.connectionsCheckingInterval,
    shouldUpgradeCallback: asksForSocket,
  },
});
