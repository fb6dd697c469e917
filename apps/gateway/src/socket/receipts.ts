import { limits } from '@taai/contracts';
import { tell, type ChatSocket, type Reason } from './chat-socket';

/**
 * What the client has for certain: what was sent before a ping that it has answered. A connection that is cut goes on behind that, and
 * what the client may not know, that it was taken out of conversations, is said again.
 */
export class Receipts {
  /** Id of the last message that was sent, by conversation. */
  private readonly sent = new Map<string, string>();

  constructor(private readonly socket: ChatSocket) {
    let beforePing = { sent: new Map<string, string>(), left: [] as [string, Reason][] };
    socket.conn.on('packetCreate', ({ type }) => {
      if (type === 'ping') beforePing = { sent: new Map(this.sent), left: Object.entries(this.left) };
    });
    socket.conn.on('heartbeat', () => {
      for (const [id, last] of beforePing.sent) if (this.sent.has(id)) this.confirmed[id] = last;
      for (const [id, reason] of beforePing.left) if (this.left[id] === reason) delete this.left[id];
    });
  }

  /** The client follows the conversation behind a message that it has. */
  joined(id: string, last_event_id: string): void {
    this.sent.set(id, last_event_id);
    this.confirmed[id] = last_event_id;
    delete this.left[id];
  }

  message(conversation_id: string, id: string): void {
    this.sent.set(conversation_id, id);
  }

  forget(id: string): void {
    this.sent.delete(id);
    delete this.confirmed[id];
  }

  /** Tells the client that nothing more comes of the conversation. */
  tellLeft(conversation_id: string, reason: Reason): void {
    this.forget(conversation_id);
    const { left } = this;
    left[conversation_id] = reason;
    const [oldest = ''] = Object.keys(left);
    if (Object.keys(left).length > limits.socketConversations) delete left[oldest];
    tell(this.socket, 'conversation.left', { conversation_id, ...reason });
  }

  /** Of a client that was cut off: says again what it may have missed, and resolves to where each of its conversations goes on. */
  takeUp(): [id: string, last_event_id: string][] {
    for (const [id, reason] of Object.entries(this.left)) this.tellLeft(id, reason);
    return Object.entries(this.confirmed);
  }

  private get confirmed(): Record<string, string> {
    return (this.socket.data.confirmed ??= {});
  }

  private get left(): Record<string, Reason> {
    return (this.socket.data.left ??= {});
  }
}
