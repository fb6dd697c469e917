import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Received {
  method: string;
  /** Path and query as they were sent. */
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server over real HTTP, for specs: keeps what arrives, and answers as `answer` says (an empty JSON object by default). */
export async function startServer(
  answer: (response: ServerResponse, request: Received) => unknown = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = '', url: path = '', headers } = request;
      received.push({ method, path, headers, body });
      answer(response, { method, path, headers, body });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof startServer>>;

/** Answers with JSON. */
export const json =
  (value: unknown, status = 200) =>
  (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
