import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { readEvents } from '../../scripts/start/sse';
import type { ChatEvent } from './chat-client';
import type { Client } from './client';

const broken = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

/** A client of a conversation's stream whose socket nobody reads until it is told to. */
export class PausedSource {
  readonly events: ChatEvent[] = [];
  /** Code of the problem that ended the stream. */
  reason: string | undefined;

  private constructor(
    private readonly conversation: string,
    private readonly response: IncomingMessage,
  ) {
    // It may be broken off while nobody reads: `read` finds out.
    response.on('error', () => undefined);
  }

  static async open(client: Client, conversation: string, last_event_id: string): Promise<PausedSource> {
    const headers = { authorization: `Bearer ${client.token}`, 'last-event-id': last_event_id };
    const url = `${client.baseUrl}/v1/conversations/${conversation}/events`;
    // Node takes no more than a buffer full from the socket, as nobody listens.
    const [response] = (await once(get(url, { headers, agent: false }), 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`The stream answered ${response.statusCode}.`);
    return new PausedSource(conversation, response);
  }

  /** Reads what there is up to the message, or to the end of the stream, however that comes. */
  async read(last = ''): Promise<void> {
    try {
      for await (const { type, data } of readEvents(this.response)) {
        if (type === 'error') this.reason = JSON.parse(data).code;
        else this.events.push({ type, data: JSON.parse(data) });
        if (type === 'message.created' && this.lastId === last) return;
      }
    } catch (error) {
      // It was broken off behind what had arrived.
      if (!broken.has(String(Reflect.get(Object(error), 'code')))) throw error;
    }
  }

  leave(): void {
    this.response.destroy();
  }

  get lastId(): string {
    return this.events.findLast(({ type }) => type === 'message.created')?.data.id ?? this.conversation;
  }
}
