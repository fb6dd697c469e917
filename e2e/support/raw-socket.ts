import type { Json } from './client';
import { eventually } from './eventually';

/** What a client might send that is none of ours: bytes of engine.io's protocol, `4` a message, then those of Socket.IO's. */
export class RawSocket {
  readonly received: string[] = [];
  private readonly socket: WebSocket;
  readonly closed: Promise<void>;

  constructor(baseUrl: string) {
    this.socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    this.socket.addEventListener('message', ({ data }) => this.received.push(String(data)));
    this.closed = new Promise((resolve) => this.socket.addEventListener('close', () => resolve()));
  }

  async opened(): Promise<this> {
    await eventually(async () => expect(this.received[0]).toMatch(/^0\{/));
    return this;
  }

  /** Into the namespace, as who has the token. */
  async connected(token = ''): Promise<this> {
    await this.opened();
    this.send(`40/chat,${JSON.stringify({ token })}`);
    await eventually(async () => expect(this.received.some((text) => text.startsWith('40/chat,'))).toBe(true));
    return this;
  }

  send(packet: string | Buffer<ArrayBuffer>): void {
    this.socket.send(packet);
  }

  /** What acknowledges the packet with this number. */
  async ack(number: number): Promise<Json> {
    const start = `43/chat,${number}[`;
    await eventually(async () => expect(this.received.some((text) => text.startsWith(start))).toBe(true));
    const text = this.received.find((one) => one.startsWith(start)) ?? '';
    return JSON.parse(text.slice(start.length - 1))[0];
  }
}
