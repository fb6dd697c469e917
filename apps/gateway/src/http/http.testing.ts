import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Module, type ExecutionContext } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  limits,
  noLimits,
  ProblemError,
  type ConversationEvent,
  type FilePlace,
  type TenantLimits,
} from '@taai/contracts';
import type { Dialect } from '@taai/dialects';
import { FILE_STORE, type FileStore } from '@taai/files';
import { HealthModule, RpcClient, RunLogReader } from '@taai/platform';
import { currentContext, type Caller, type RequestContext } from '@taai/tenant';
import type { FastifyRequest, InjectOptions, LightMyRequestResponse } from 'fastify';
import { NIL } from 'uuid';
import { ArchiveController } from '../stream/archive.controller';
import { ExportController } from '../stream/export.controller';
import { LimitUseController } from '../admission/limit-use.controller';
import { Concurrency, type Lasting } from '../admission/concurrency';
import { InFlightGuard } from '../admission/in-flight.guard';
import { RateLimitGuard } from '../admission/rate-limit.guard';
import { RateLimiter } from '../admission/rate-limiter';
import { AccessGuard } from '../access/access.guard';
import { DeniedAccess } from '../access/denied-access';
import type { HeadGuard } from '../access/guards';
import { AttachmentIntake } from '../file/attachment-intake';
import { FileController } from '../file/file.controller';
import { FileReceiver } from '../file/file-receiver';
import { InlineFiles } from '../file/inline-files';
import { dialectController } from '../dialect/dialect.controller';
import { createHttp, defaultTimeouts, type Timeouts } from './http';
import { MessageController } from '../stream/message.controller';
import { OpenStreams } from '../stream/open-streams';
import { GATEWAY_CONFIG, Principals } from '../access/principals';
import { ConversationController } from '../stream/conversation.controller';
import { ConversationEvents } from '../stream/conversation-events';
import { ConversationFollower } from '../stream/conversation-follower';
import { contractControllers } from '../route/route';
import { RunController } from '../stream/run.controller';
import { RunEvents } from '../stream/run-events';
import { SharedController } from '../stream/shared/shared.controller';
import { SharedStreams } from '../stream/shared/shared-streams';
import type { ServerSentEvent } from '../stream/sse';
import type { GatewayConfig } from '../config';

const defaults: GatewayConfig = {
  port: 0,
  corsOrigins: [],
  bodyLimitBytes: limits.callBytes,
  fileLimitBytes: limits.fileBytes,
  accessGraceMs: 30_000,
  trustProxy: [],
  httpsOnly: false,
};

const RUN_ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
export const EVENTS_PATH = `/v1/runs/${RUN_ID}/events`;
export const bearer = { authorization: 'Bearer good' };

const caller: Caller = { tenant_id: NIL, permissions: ['*:*'], issuer: 'gateway' };

class BearerGuard implements HeadGuard {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { headers, routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
    const isPublic = (routeOptions.config.bound?.method.access ?? 'public') === 'public';
    if (!isPublic && headers.authorization !== bearer.authorization) throw new ProblemError('unauthenticated');
    const requestContext = currentContext();
    if (requestContext) requestContext.caller = caller;
    return true;
  }
}

/** What stands behind the edge. */
interface Behind {
  /** Answers calls to services, as JSON. */
  call?: () => Promise<string>;
  /** Methods of any contract, by name. */
  methods?: Record<string, (...input: never[]) => Promise<unknown>>;
  /** The outputs of any stream, as JSON. */
  stream?: (signal: AbortSignal) => AsyncIterable<string>;
  /** The events of any run, until the signal. */
  events?: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>;
  /** The events of any conversation, until the signal. */
  conversation?: (signal: AbortSignal) => AsyncIterable<ConversationEvent>;
  /** What the caller's tenant may have. */
  tenantLimits?: TenantLimits;
  /** Counts what lasts. */
  take?: (kind: Lasting) => Promise<void>;
  /** Where files are kept. */
  store?: FileStore;
  timeouts?: Partial<Timeouts>;
  dialects?: readonly Dialect[];
}

const emptyFile: FilePlace = { file_id: NIL, stored_as: NIL, filename: 'x', content_type: 'text/plain', bytes: 0 };

const emptyStore: FileStore = {
  write: () => Promise.reject(new ProblemError('service_unavailable')),
  read: async () => Readable.from([]),
  remove: async () => undefined,
};

async function* ended(): AsyncGenerator<ServerSentEvent> {
  yield { id: 1, type: 'run.completed', data: {} };
}

async function* nothing(): AsyncGenerator<never> {}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

export interface TestEdge {
  url: string;
  /** The contexts that calls to services were made in, newest last. */
  contexts: RequestContext[];
  fetch(path: string, init?: RequestInit): Promise<Answer>;
  connect(): Socket;
  /** A request without a connection. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
  /** Sends bytes as they are. Resolves with all that comes back until the gateway closes the connection. */
  send(bytes: string): Promise<string>;
  close(): Promise<void>;
}

/** The gateway on a port, with all its routes and hooks, a guard that knows one token, and no services. */
export async function startEdge(config: Partial<GatewayConfig> = {}, behind: Behind = {}): Promise<TestEdge> {
  const {
    call = async () => '{}',
    methods,
    stream = nothing,
    events = ended,
    timeouts,
    dialects,
    conversation = nothing,
  } = behind;
  const { tenantLimits = noLimits, take = async () => undefined, store = emptyStore } = behind;
  const contexts: RequestContext[] = [];
  const callRaw = () => {
    const context = currentContext();
    if (context) contexts.push(context);
    return call();
  };
  const readConversation = (_id: string, _start: object, signal: AbortSignal) => conversation(signal);
  const readLog = (_id: string, { signal }: { signal: AbortSignal }) => events(signal);
  const client = {
    read: async () => ({ last_event_id: RUN_ID, runs: [] }),
    outcome: async () => ({ id: RUN_ID }),
    active: async () => ({ active: 0 }),
    content: async () => emptyFile,
    linked: async () => ({ ...emptyFile, tenant_id: NIL }),
    kept: async () => ({ bytes: 0 }),
    ...methods,
  };
  const streamRaw = (_bound: unknown, _input: unknown, { signal }: { signal: AbortSignal }) => stream(signal);

  @Module({
    imports: [HealthModule.for({ redis: async () => 'PONG' })],
    controllers: [
      ...contractControllers(),
      RunController,
      MessageController,
      ConversationController,
      SharedController,
      ArchiveController,
      ExportController,
      FileController,
      LimitUseController,
      dialectController(dialects),
    ],
    providers: [
      OpenStreams,
      FileReceiver,
      InlineFiles,
      AttachmentIntake,
      RunEvents,
      ConversationEvents,
      { provide: ConversationFollower, useValue: { follow: readConversation } },
      { provide: SharedStreams, useValue: {} },
      DeniedAccess,
      {
        provide: Principals,
        useValue: {
          watch: () => ({ signal: new AbortController().signal, end: () => undefined }),
          limitsOf: () => tenantLimits,
        },
      },
      { provide: AccessGuard, useClass: BearerGuard },
      { provide: RateLimitGuard, useValue: { canActivate: async () => true } },
      InFlightGuard,
      { provide: Concurrency, useValue: { take, inUse: async () => 0 } },
      { provide: RateLimiter, useValue: { read: async () => [] } },
      { provide: RpcClient, useValue: { callRaw, streamRaw, for: () => client } },
      { provide: FILE_STORE, useValue: store },
      { provide: GATEWAY_CONFIG, useValue: { ...defaults, ...config } },
      { provide: RunLogReader, useValue: { read: readLog } },
    ],
  })
  class EdgeModule {}

  const app = await createHttp(
    { module: EdgeModule },
    { ...defaults, ...config },
    { timeouts: { ...defaultTimeouts, ...timeouts }, dialects },
  );
  await app.listen(0, '127.0.0.1');
  const port = portOf(app);
  const open = () => connect(port, '127.0.0.1').setEncoding('latin1');
  return {
    url: `http://127.0.0.1:${port}`,
    contexts,
    fetch: (path, init) => read(fetch(`http://127.0.0.1:${port}${path}`, init)),
    connect: open,
    inject: (request) => app.inject(request),
    send: (bytes) => readAll(open(), bytes),
    close: () => closed(app),
  };
}

/** A client that was answered before all of its body was read has its connection idle a moment later. */
async function closed(app: NestFastifyApplication): Promise<void> {
  const closing = setInterval(() => void app.getHttpServer().closeIdleConnections(), 50);
  await app.close().finally(() => clearInterval(closing));
}

function portOf(app: NestFastifyApplication): number {
  const address = app.getHttpServer().address();
  if (typeof address !== 'object' || address === null) throw new Error('The gateway does not listen on a port.');
  return address.port;
}

async function read(response: Promise<Response>): Promise<Answer> {
  const { status, headers } = await response;
  return { status, headers, text: await (await response).text() };
}

async function readAll(socket: Socket, bytes: string): Promise<string> {
  socket.write(bytes, 'latin1');
  return (await Array.fromAsync(socket)).join('');
}
