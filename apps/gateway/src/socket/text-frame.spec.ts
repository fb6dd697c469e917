import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrame } from './text-frame';

describe('a frame of text', () => {
  let server: WebSocketServer;
  let client: WebSocket;
  let request: IncomingMessage;

  beforeAll(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const connection = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    [[, request]] = await Promise.all([connection, once(client, 'open')]);
  });
  afterAll(() => {
    client.terminate();
    server.close();
  });

  /** What a client reads that is sent the frame. */
  async function read(frame: Buffer): Promise<string> {
    const message = once(client, 'message');
    request.socket.write(frame);
    const [data] = (await message) as [Buffer];
    return data.toString();
  }

  it.each([0, 1, 125, 126, 65_535, 65_536, 300_000])('of %i bytes is read as it was written', async (length) => {
    expect(await read(textFrame('x'.repeat(length)))).toBe('x'.repeat(length));
  });

  it('counts bytes, not characters', async () => {
    expect(await read(textFrame('ü'.repeat(100)))).toBe('ü'.repeat(100));
  });
});
