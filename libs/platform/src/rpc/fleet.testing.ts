import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { bind, boundMethods, contract, type Contract, type ServiceName } from '@taai/contracts';
import { currentContext, type Caller } from '@taai/tenant';
import { keys } from '../redis/keys';
import type { Jwk } from '../config/variables';
import { ContextTokens } from '../crypto/context-token';
import { Fernet } from '../crypto/fernet';
import { RpcClient, type RpcClientOptions } from './client/client';
import { RpcServer, type RpcServerOptions } from './server/server';

/** Any JSON object. */
export class Anything {
  [key: string]: unknown;
}

const anything = { summary: 'For tests', input: Anything, output: Anything } as const;

/** One method of each kind. */
export const contractOf = (service: string) =>
  contract(service as ServiceName, {
    read: { ...anything, http: 'GET /read', access: 'public', effect: 'safe' },
    write: { ...anything, http: 'POST /write', access: 'public', effect: 'once' },
    create: { ...anything, http: 'POST /create', access: 'public', effect: 'once_per_key' },
    put: { ...anything, http: 'PUT /put', access: 'public', effect: 'idempotent' },
    slow: { ...anything, http: 'GET /slow', access: 'public', effect: 'safe', long: true },
    secret: { ...anything, http: 'POST /secret', access: 'public', effect: 'once', secret: true },
    stream: { ...anything, http: 'POST /stream', access: 'public', effect: 'once', stream: true, timeout_ms: 30_000 },
    hidden: { ...anything, http: 'POST /hidden', access: 'public', effect: 'once', stream: true, secret: true },
    leave: {
      ...anything,
      http: 'POST /leave',
      access: 'public',
      effect: 'once',
      cancellable: true,
      timeout_ms: 30_000,
    },
    guarded: { ...anything, http: 'POST /guarded', access: 'things:read', effect: 'once', stream: true },
    mine: { ...anything, http: 'GET /mine', access: 'things:read', effect: 'safe' },
    internal: { ...anything, callers: ['chat'], effect: 'safe' },
  });

export type TestMethod = keyof ReturnType<typeof contractOf>['methods'];
export type TestHandlers = Partial<Record<TestMethod, TestHandler>>;
type TestHandler = (input: Anything, signal: AbortSignal) => unknown;

export const redisUrl = (): string => {
  const url = process.env['TEST_REDIS_URL'];
  if (!url) throw new Error('TEST_REDIS_URL must name a Redis server for tests.');
  return url;
};

export const makeJwk = (kid: string): Jwk => {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid };
};

export const makeFernetKey = (): string => `${randomBytes(32).toString('base64url')}=`;

export const someCaller = (more: Partial<Caller> = {}): Caller => ({
  tenant_id: randomUUID(),
  permissions: ['things:read'],
  issuer: 'gateway',
  ...more,
});

/** A service of its own for a test, with as many replicas and callers as it wants. */
export class TestService {
  readonly name = `test-${randomUUID()}`;
  readonly contract = contractOf(this.name);
  readonly fernet = new Fernet([makeFernetKey()]);
  readonly jwks = ['gateway', 'chat', 'task'].map(makeJwk);
  private readonly open: { close(): Promise<void> }[] = [];

  method(key: TestMethod) {
    return bind(this.contract, key);
  }

  tokens(service: ServiceName = 'task'): ContextTokens {
    const privateJwk = this.jwks.find(({ kid }) => kid === service) ?? makeJwk(service);
    return new ContextTokens({ service, privateJwk, jwks: this.jwks });
  }

  /** A replica that knows these methods alone. */
  async replica(handlers: TestHandlers, options: Partial<RpcServerOptions> = {}): Promise<RpcServer> {
    const service = this.name as ServiceName;
    const server = new RpcServer({
      service,
      redisUrl: redisUrl(),
      tokens: this.tokens(),
      fernet: this.fernet,
      ...options,
    });
    addHandlers(server, this.contract, handlers);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    server.listen(resolve);
    const failure = await promise;
    if (failure) throw failure as Error;
    this.open.push(server);
    return server;
  }

  /** Has calls wait for a replica, as if one had lived a moment ago. */
  async expectReplica(): Promise<void> {
    const redis = new Redis(redisUrl());
    await redis.set(keys.rpcAlive(this.name), '', 'EX', 60);
    redis.disconnect();
  }

  async client(options: Partial<RpcClientOptions> = {}): Promise<RpcClient> {
    const { service = 'gateway' } = options;
    const client = new RpcClient({
      service,
      redisUrl: redisUrl(),
      tokens: this.tokens(service),
      fernet: this.fernet,
      contracts: [this.contract],
      ...options,
    });
    await client.connect();
    this.open.push(client);
    return client;
  }

  async close(): Promise<void> {
    // Callers first, so that none of their calls loses its replica.
    await Promise.all(this.open.filter((one) => one instanceof RpcClient).map((client) => client.close()));
    await Promise.all(this.open.filter((one) => one instanceof RpcServer).map((server) => server.close()));
  }
}

export function addHandlers(server: RpcServer, contract: Contract, handlers: TestHandlers): void {
  const byName: Record<string, TestHandler | undefined> = handlers;
  for (const bound of boundMethods(contract)) {
    const handler = byName[bound.rpc.slice(contract.name.length + 1)];
    if (handler)
      server.addHandler(bound.rpc, async (input: Anything, signal: AbortSignal) => handler(input, signal), false, {
        bound,
      });
  }
}

/** Answers what the handler sees of its request. */
export const tellContext = async () => ({ ...currentContext() });

/** The code of the ProblemError that the call fails with. */
export const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'ok',
    (error: { code?: string; message?: string }) => error.code ?? error.message,
  );

/** Resolves when the condition holds; the test's own time-out is the bound. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/**
 * Shows every command that Redis executes from now on, a line each, until the answer is called. Without ioredis, which fails when
 * the first command arrives in one piece with the answer to MONITOR.
 */
export async function watchCommands(show: (line: string) => void): Promise<() => void> {
  const { hostname, port } = new URL(redisUrl());
  const socket = createConnection(Number(port), hostname);
  const { promise, resolve } = gate();
  createInterface(socket).on('line', (line) => (line === '+OK' ? resolve() : show(line)));
  socket.write('MONITOR\r\n');
  await promise;
  return () => socket.destroy();
}

/** A promise that is settled from outside. */
export const gate = () => Promise.withResolvers<void>();
