import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Event {
  data: { id: string };
}

/** A receiver of webhooks that answers at once. `arrivals`: when the event of each object arrived first. */
export async function startReceiver() {
  const arrivals = new Map<string, number>();
  const server = createServer((request, response) => {
    void json(request).then((event) => {
      const { id } = (event as Event).data;
      if (!arrivals.has(id)) arrivals.set(id, performance.now());
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    arrivals,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
