import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

const fixture = (name: string): string => readFileSync(join(__dirname, 'fixtures', name), 'utf8');

/** A server over HTTPS on loopback, which this process trusts from now on; others do by NODE_EXTRA_CA_CERTS. */
export async function startHttpsServer(listener: RequestListener) {
  const cert = fixture('localhost.pem');
  setDefaultCACertificates([...getCACertificates('default'), cert]);
  const server = createServer({ cert, key: fixture('localhost.key.pem') }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type HttpsServer = Awaited<ReturnType<typeof startHttpsServer>>;
