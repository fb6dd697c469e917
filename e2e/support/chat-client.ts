import { once } from 'node:events';
import { EventSource } from 'eventsource';
import { io, type Socket } from 'socket.io-client';
import type { WebSocket } from 'ws';
import { checkEvent } from './api-document';
import type { Client, Json } from './client';

/** An event of a conversation, by whichever wire. */
export interface ChatEvent {
  type: string;
  data: Json;
}

/** What the event is known by: a message by its id, a run's event by its place. */
export const nameOf = ({ type, data }: ChatEvent): string =>
  type === 'run.event' ? `${data.run_id} ${data.id}` : `${type} ${data.id}`;

/** The run's events apart, in the order in which they came. */
export const runEventsOf = (events: readonly ChatEvent[], run_id: string): Json[] =>
  events.filter(({ type, data }) => type === 'run.event' && data.run_id === run_id).map(({ data }) => data);

export const messagesOf = (events: readonly ChatEvent[]): Json[] =>
  events.filter(({ type }) => type === 'message.created').map(({ data }) => data);

/** A `socket.io-client` in the namespace `/chat`. */
export class ChatClient {
  /** Messages and events of runs, as they came. */
  readonly events: ChatEvent[] = [];
  /** Everything else that the server told. */
  readonly told: ChatEvent[] = [];

  private constructor(readonly socket: Socket) {
    socket.onAny((type: string, data: Json) => {
      const isEvent = type === 'message.created' || type === 'run.event';
      (isEvent ? this.events : this.told).push({ type, data });
    });
  }

  /** Not connected yet. */
  static prepare({ baseUrl, token }: Client, auth: object = { token }): ChatClient {
    const options = { transports: ['websocket'], forceNew: true, autoConnect: false, auth, reconnectionDelay: 50 };
    return new ChatClient(io(`${baseUrl}/chat`, options));
  }

  static async connect(client: Client): Promise<ChatClient> {
    const chat = ChatClient.prepare(client);
    const connected = Promise.withResolvers<void>();
    chat.socket.once('connect', connected.resolve).once('connect_error', connected.reject);
    chat.socket.connect();
    await connected.promise;
    return chat;
  }

  /** Sends an event. Resolves to its acknowledgement. */
  ask(event: string, payload: object): Promise<Json> {
    return this.socket.timeout(20_000).emitWithAck(event, payload);
  }

  toldOf(type: string): Json[] {
    return this.told.filter((one) => one.type === type).map(({ data }) => data);
  }

  /** Reads nothing more, until `resume`. */
  pause(): void {
    this.webSocket?.pause();
  }

  resume(): void {
    this.webSocket?.resume();
  }

  /** Leaves without a word, as who has lost the network, and does not come again. */
  leave(): void {
    const { webSocket } = this;
    this.socket.io.reconnection(false);
    webSocket?.terminate();
  }

  /** None once it is closed. */
  private get webSocket(): WebSocket | null {
    return Reflect.get(this.socket.io.engine.transport, 'ws') as WebSocket | null;
  }

  /** Resolves to the reason. */
  async disconnected(): Promise<string> {
    if (this.socket.disconnected) return 'before';
    const [reason] = (await once(this.socket as never, 'disconnect')) as [string];
    return reason;
  }

  close(): void {
    this.socket.disconnect();
  }
}

/** The stream of a conversation as an `EventSource` reads it, which connects again by itself; each event is checked against docs/openapi.json. */
export class ConversationSource {
  readonly events: ChatEvent[] = [];
  /** Everything else that the stream told. */
  readonly told: ChatEvent[] = [];
  readonly errors: Json[] = [];
  private readonly source: EventSource;

  constructor({ baseUrl, token }: Client, path: string) {
    this.source = new EventSource(baseUrl + path, {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
    });
    for (const type of ['message.created', 'run.event', 'conversation.updated']) {
      this.source.addEventListener(type, ({ data, lastEventId }) => {
        const event = { type, data: JSON.parse(data) };
        checkEvent('ConversationEvent', {
          event: type,
          data: event.data,
          ...(type === 'message.created' && { id: lastEventId }),
        });
        (type === 'conversation.updated' ? this.told : this.events).push(event);
      });
    }
    this.source.addEventListener('error', (error) => {
      const data: unknown = Reflect.get(error, 'data');
      if (typeof data === 'string') this.errors.push(JSON.parse(data));
    });
  }

  get isOpen(): boolean {
    return this.source.readyState === this.source.OPEN;
  }

  close(): void {
    this.source.close();
  }
}
