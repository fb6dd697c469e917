import { once } from 'node:events';
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

// Below what operating systems hand to outgoing connections, so that no such connection takes the port before its server does.
const lowest = 20_000;
const highest = 30_000;
const handedOut = new Set<number>();

/** Whether a server could listen on the port now. */
export async function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** A port on loopback where nobody listens, and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(lowest, highest);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port was found between ${lowest} and ${highest}.`);
}
