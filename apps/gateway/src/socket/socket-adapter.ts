import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { limits } from '@taai/contracts';
import { BLOCK_SECONDS, keys } from '@taai/platform';
import { Server, type Namespace, type ServerOptions } from 'socket.io';
import type { AdapterRedis } from './adapter-redis';
import { textParser } from './text-parser';

/** Where sockets connect. */
const SOCKET_PATH = '/socket.io/';

/** How long a client that was cut off may come back as who it was, in milliseconds. */
const RECOVERY_MS = 120_000;
/** How long what gateways tell each other's sockets is kept, in entries. */
const STREAM_LENGTH = 10_000;

/** Whether a request may become a socket; the others are answered as if they had not asked. */
export const asksForSocket = ({ url = '' }: IncomingMessage): boolean => url.startsWith(SOCKET_PATH);

/** Socket.IO as the gateway runs it: by WebSocket alone, so that any replica may serve any request, and bounded. */
export class SocketAdapter extends IoAdapter {
  constructor(
    app: INestApplicationContext,
    private readonly redis: AdapterRedis,
    private readonly isAllowed: (request: IncomingMessage) => boolean,
  ) {
    super(app);
  }

  override createIOServer(): Server {
    const http: unknown = this.httpServer;
    if (!(http instanceof HttpServer)) throw new Error('Sockets are served on the port of the API.');
    const server = new Server(http, this.options);
    // Everybody can ask for it, and nothing is there.
    server.use((_socket, next) => next(new Error('not_found')));
    forgetRequests(server);
    return server;
  }

  /** Nest's would observe each socket for handlers: `ChatGateway` hears all events by itself. */
  override bindMessageHandlers(): void {}

  private get options(): Partial<ServerOptions> {
    return {
      path: SOCKET_PATH,
      serveClient: false,
      transports: ['websocket'],
      allowRequest: (request, decide) => decide(null, this.isAllowed(request)),
      maxHttpBufferSize: limits.socketFrameBytes,
      connectTimeout: 10_000,
      pingInterval: 20_000,
      pingTimeout: 15_000,
      parser: textParser,
      // The token is checked again: a session that is recovered proves nothing.
      connectionStateRecovery: { maxDisconnectionDuration: RECOVERY_MS, skipMiddlewares: false },
      adapter: recovering(this.redis),
    };
  }
}

/** A socket outlives its request by hours, and needs nothing of it: engine.io would keep it twice, headers and all. */
function forgetRequests({ engine }: Server): void {
  const responses = new WeakMap<IncomingMessage, ServerResponse>();
  engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    responses.set(request, response);
    next();
  });
  engine.on('connection', (connection: { request: IncomingMessage | undefined }) => {
    const response = connection.request && responses.get(connection.request);
    if (response) Reflect.set(response, 'req', undefined);
    connection.request = undefined;
  });
}

/**
 * The adapter of Redis streams. It would put a socket that comes back into the rooms that it was in, with all that was said there meanwhile,
 * though its user may have been taken out: so rooms are left to `ChatGateway`, which asks chat.
 */
function recovering(redis: AdapterRedis) {
  const create = createAdapter(redis, {
    streamName: keys.sockets(),
    channelPrefix: keys.socketChannels(),
    sessionKeyPrefix: keys.socketSessions(),
    maxLen: STREAM_LENGTH,
    blockTimeInMs: BLOCK_SECONDS * 1000,
    onlyPlaintext: true,
  });
  // Socket.IO calls it with `new`, which an arrow function does not take.
  return function (namespace: Namespace) {
    const adapter = create(namespace);
    const restore = adapter.restoreSession.bind(adapter);
    adapter.restoreSession = async (pid, offset) => ({ ...(await restore(pid, offset)), rooms: [], missedPackets: [] });
    return adapter;
  };
}
