import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A server that repeats the credentials it is given: as the result of a tool at `/tool`, and anywhere else as a provider of any kind
 * that refuses the call.
 */
export async function startEcho() {
  const server = createServer(({ headers, url = '' }, response) => {
    const message = `You sent ${String(headers.authorization ?? headers['x-api-key'] ?? headers['x-goog-api-key'])}`;
    const json = { 'content-type': 'application/json' };
    if (url === '/tool') return response.writeHead(200, json).end(JSON.stringify({ message }));
    const error = { type: 'invalid_request_error', message, code: 400, status: 'INVALID_ARGUMENT' };
    // Ollama's alone is a text.
    const body = url.startsWith('/api/') ? { error: message } : { type: 'error', error };
    return response.writeHead(400, json).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
