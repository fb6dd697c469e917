import { Global, Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { ServiceName } from '@taai/contracts';
import { readProcessConfig, type ProcessConfig } from './config/config';
import { ContextTokens } from './crypto/context-token';
import { Fernet } from './crypto/fernet';
import { configureLog, log, NestLogger } from './observability/logger';
import { startManagement, type ReadinessCheck } from './observability/management';
import { rpcCalls } from './observability/metrics';
import { createRedis, whenReady, type RedisClient } from './redis/redis';
import { withFailuresExplained } from './redis/redis-failure';
import { reportError, startSentry } from './observability/report-error';
import { RpcClient } from './rpc/client/client';
import { RpcServer } from './rpc/server/server';

/** Injects the `ProcessConfig`. */
export const PROCESS_CONFIG = Symbol('process config');
/** Injects the process's Redis connection for commands (never blocking ones, never subscriptions), which fail as `explainRedis` says. */
export const REDIS = Symbol('redis');

/** How long a Redis that is away is waited for. */
const PATIENCE_MS = 60_000;
/** Longer than any drain, shorter than Kubernetes' grace of 30 s. */
const SHUTDOWN_MS = 27_000;

/** What every service shares, built once per process. */
export interface Platform {
  config: ProcessConfig;
  redis: RedisClient;
  tokens: ContextTokens;
  /** Encrypts secrets between services. */
  fernet: Fernet;
  rpc: RpcClient;
}

export interface ServiceOptions {
  /** Long calls and streams that a replica works on at once, unless RPC_LONG_SLOTS says otherwise; 64 if absent. */
  longSlots?: number;
  /** What must answer before the service counts as ready, besides Redis. */
  readiness?: Record<string, ReadinessCheck>;
  /** Builds and starts the application; without it, one that answers RPC. */
  start?: (module: DynamicModule, platform: Platform) => Promise<INestApplicationContext>;
}

/** Is all that a `main.ts` calls. Reads the environment, starts the application and its management port, stops both on SIGTERM. */
export async function bootstrapService(
  service: ServiceName,
  appModule: Type,
  options: ServiceOptions = {},
): Promise<void> {
  const platform = createPlatform(readProcessConfig(service, options.longSlots));
  const { config, redis } = platform;
  configureLog(config);
  await startSentry(config.sentryDsn, service);
  exitOnFatalErrors();
  try {
    await whenReady(redis, PATIENCE_MS);
    const start = options.start ?? startRpcApplication;
    const app = await start(rootModule(appModule, platform), platform);
    const checks = Object.entries(options.readiness ?? {}).map(([name, check]) => [name, () => check(app)] as const);
    const management = await startManagement(config, { redis: () => redis.ping(), ...Object.fromEntries(checks) });
    stopOnSignals(async () => {
      await app.close();
      await management.close();
      await platform.rpc.close();
      redis.disconnect();
    });
    log.info({ management_port: config.managementPort }, 'ready');
  } catch (error) {
    await exitWith(error);
  }
}

const observe = (side: 'client' | 'server') => (call: { rpc: string; ms: number; code: string }) =>
  rpcCalls.observe({ side, method: call.rpc, code: call.code }, call.ms / 1000);

/** Runs `work` with a client that calls the fleet as `service`, for commands. Needs the variables of that service. */
export async function withRpcClient<T>(service: ServiceName, work: (rpc: RpcClient) => Promise<T>): Promise<T> {
  const config = readProcessConfig(service);
  configureLog(config);
  const rpc = createRpcClient(config, createTokens(config), createFernet(config));
  return work(rpc).finally(() => rpc.close());
}

function createPlatform(config: ProcessConfig): Platform {
  const tokens = createTokens(config);
  const fernet = createFernet(config);
  const connection = { role: 'commands', connectionName: config.service } as const;
  const redis = withFailuresExplained(createRedis(config.redisUrl, connection));
  return { config, redis, tokens, fernet, rpc: createRpcClient(config, tokens, fernet) };
}

const createTokens = ({ service, context }: ProcessConfig) => new ContextTokens({ service, ...context });

const createFernet = ({ rpc }: ProcessConfig) => new Fernet(rpc.keys);

const createRpcClient = ({ service, redisUrl, rpc }: ProcessConfig, tokens: ContextTokens, fernet: Fernet) =>
  new RpcClient({ service, redisUrl, tokens, fernet, maxQueue: rpc.queue, observe: observe('client') });

@Global()
@Module({})
class PlatformModule {}

function rootModule(appModule: Type, { config, redis, tokens, rpc }: Platform): DynamicModule {
  const providers = [
    { provide: PROCESS_CONFIG, useValue: config },
    { provide: REDIS, useValue: redis },
    { provide: ContextTokens, useValue: tokens },
    { provide: RpcClient, useValue: rpc },
  ];
  const platform = { module: PlatformModule, providers, exports: providers.map(({ provide }) => provide) };
  return { module: class RootModule {}, imports: [platform, appModule] };
}

async function startRpcApplication(
  module: DynamicModule,
  { config, tokens, fernet }: Platform,
): Promise<INestApplicationContext> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    logger: new NestLogger(),
    abortOnError: false,
    strategy: new RpcServer({
      service: config.service,
      redisUrl: config.redisUrl,
      tokens,
      fernet,
      slots: config.rpc.slots,
      longSlots: config.rpc.longSlots,
      observe: observe('server'),
      onError: (error, fields) => reportError(error, fields),
    }),
  });
  await app.listen();
  return app;
}

function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => exitWith(error),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

function exitOnFatalErrors(): void {
  process.on('uncaughtException', (error) => void exitWith(error));
  process.on('unhandledRejection', (error) => void exitWith(error));
}

/** Ends the process. Says why in the log, and in one sentence on stderr. */
async function exitWith(error: unknown): Promise<never> {
  reportError(error);
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
