import type { BeforeApplicationShutdown } from '@nestjs/common';
import {
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { chatSocketContract } from '@taai/contracts';
import { runAs } from '@taai/tenant';
import { Principals } from '../access/principals';
import { ConversationEvents } from '../stream/conversation-events';
import { ConversationFollower } from '../stream/conversation-follower';
import { STOPPING } from '../stream/open-streams';
import type { ChatNamespace, ChatSocket } from './chat-socket';
import { EventDispatcher } from './event-dispatcher';
import { Handshake } from './handshake';
import { Presence } from './presence';
import { RouteCalls } from './route-calls';
import { SocketConnection } from './socket-connection';

/** The namespace `/chat`: lets sockets in, passes their events on, and ends them with the gateway. */
@WebSocketGateway({ namespace: chatSocketContract.methods.join.socket.namespace })
export class ChatGateway
  implements
    OnGatewayInit<ChatNamespace>,
    OnGatewayConnection<ChatSocket>,
    OnGatewayDisconnect<ChatSocket>,
    BeforeApplicationShutdown
{
  private readonly connections = new Map<ChatSocket, SocketConnection>();
  private isStopping = false;

  constructor(
    private readonly handshake: Handshake,
    private readonly dispatcher: EventDispatcher,
    private readonly presence: Presence,
    private readonly principals: Principals,
    private readonly follower: ConversationFollower,
    private readonly events: ConversationEvents,
    private readonly calls: RouteCalls,
  ) {}

  afterInit(namespace: ChatNamespace): void {
    namespace.use(this.handshake.admit);
    this.presence.tellIn(namespace);
  }

  handleConnection(socket: ChatSocket): void {
    const admitted = this.handshake.of(socket);
    const { principals, follower, presence } = this;
    const seen = (id: string) => this.events.seen(id);
    const connection = new SocketConnection(socket, admitted, { principals, follower, presence, seen });
    this.connections.set(socket, connection);
    // What is no packet ends the connection; it is the client's fault, and no news.
    socket.on('error', () => undefined);
    socket.onAny((event: string, ...args: unknown[]) => void this.answer(connection, event, args));
    if (this.isStopping) connection.close(STOPPING);
    else if (socket.recovered) void runAs(admitted.caller, () => this.recover(connection));
  }

  handleDisconnect(socket: ChatSocket): void {
    this.connections.get(socket)?.end();
    this.connections.delete(socket);
  }

  /** Its clients connect again, to another gateway. */
  beforeApplicationShutdown(): void {
    this.isStopping = true;
    for (const connection of this.connections.values()) connection.close(STOPPING);
  }

  private async answer(connection: SocketConnection, event: string, args: unknown[]): Promise<void> {
    const last = args.at(-1);
    const payload = typeof last === 'function' ? args.slice(0, -1) : args;
    const acknowledgement = await this.dispatcher.answer(connection, event, payload);
    if (typeof last === 'function') Reflect.apply(last, undefined, [acknowledgement]);
  }

  /** A client that was cut off for a moment is in its conversations again, where chat lets it in: behind what it has for certain. */
  private async recover(connection: SocketConnection): Promise<void> {
    for (const [id, last] of connection.conversations.receipts.takeUp()) {
      try {
        const start = await this.calls.start(id, last);
        // The client may have joined it again by itself meanwhile.
        if (!connection.signal.aborted && !connection.conversations.has(id)) await connection.join(id, start);
      } catch (error) {
        connection.conversations.refuse(id, error);
      }
    }
  }
}
