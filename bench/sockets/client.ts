import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

/** Types of engine.io's and Socket.IO's packets, as they stand before their payload. */
const PING = '2';
const PONG = '3';
const CONNECT = '40/chat,';
const REFUSED = '44/chat,';
const EVENT = '42/chat,';
const ACK = '43/chat,0';
const DEADLINE_MS = 60_000;

interface Acknowledgement {
  ok: boolean;
  error?: { retry_after?: number };
}

/** What a client that waits for a frame is told by. */
interface Wanted {
  prefix: string;
  resolve(text: string): void;
  reject(error: Error): void;
}

/**
 * A client of the namespace `/chat` that costs next to nothing: Socket.IO's own would spend more time on 100 frames than either server that
 * is measured.
 */
export class Client {
  /** Called with the payload of each event, as it came. */
  onEvent: (payload: string) => void = () => undefined;
  private wanted: Wanted | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => this.read(data.toString()));
    socket.on('close', () => this.wanted?.reject(new Error('The server closed a socket.')));
    socket.on('error', (error) => this.wanted?.reject(error));
  }

  /** Resolves when it has been let in. `from`: the address that it connects from, for one has 28,000 ports. */
  static async connect(url: string, token: string, from: string): Promise<Client> {
    const address = `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`;
    const socket = new WebSocket(address, { localAddress: from, perMessageDeflate: false });
    const client = new Client(socket);
    await once(socket, 'open');
    await client.exchange(`${CONNECT}${JSON.stringify({ token })}`, CONNECT);
    return client;
  }

  /** One event at a time. A server that asks for patience is asked again. Throws when it does not acknowledge the event with `ok`. */
  async ask(event: string, data: object): Promise<void> {
    for (const end = Date.now() + DEADLINE_MS; ;) {
      const answer = await this.exchange(`${EVENT}0${JSON.stringify([event, data])}`, ACK);
      const [{ ok, error }] = JSON.parse(answer.slice(ACK.length)) as [Acknowledgement];
      if (ok) return;
      if (!error?.retry_after || Date.now() > end) throw new Error(`${event} was answered ${answer}`);
      await delay(error.retry_after * 1000);
    }
  }

  close(): void {
    this.socket.terminate();
  }

  private async exchange(frame: string, prefix: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(() => reject(new Error('The server does not answer.')), DEADLINE_MS);
    this.wanted = { prefix, resolve, reject };
    this.socket.send(frame);
    return promise.finally(() => {
      clearTimeout(timer);
      this.wanted = undefined;
    });
  }

  private read(text: string): void {
    if (text === PING) this.socket.send(PONG);
    else if (text.startsWith(EVENT)) this.onEvent(text.slice(EVENT.length));
    else if (text.startsWith(REFUSED)) this.wanted?.reject(new Error(`A socket was refused: ${text}`));
    else if (this.wanted && text.startsWith(this.wanted.prefix)) this.wanted.resolve(text);
  }
}
