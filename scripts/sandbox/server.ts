import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { CallLog } from './calls.ts';
import { ApiError, MODEL, readChatRequest } from './chat-request.ts';
import { complete } from './completion.ts';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const REFUSED_KEY = 'sk-sandbox-invalid';

export interface Sandbox {
  /** Without `/v1`: the base URL for OpenAI's SDK is `${url}/v1`. */
  url: string;
  close(): Promise<void>;
}

/**
 * A provider without a model: OpenAI's wire format over HTTP, so that everything runs without a key and real SDKs are put to the test.
 *
 * - `POST /v1/chat/completions`, streamed or not, steered by directives.ts; `GET /v1/models`. Both ask for a bearer key: any but
 *   `sk-sandbox-invalid`, which is answered with 401.
 * - `GET /sandbox/calls`: the newest 1,000 calls as `{data: Call[]}` (calls.ts), without a key.
 *
 * @param options `port` 0 takes a free one. `host` is 127.0.0.1 by default.
 * @throws the error of `listen`, e.g. EADDRINUSE
 */
export async function startSandbox(options: { port: number; host?: string }): Promise<Sandbox> {
  const log = new CallLog();
  const server = createServer((request, response) => void handle(log, request, response));
  server.listen(options.port, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  return { url: urlOf(server), close: () => close(server) };
}

async function handle(log: CallLog, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => undefined);
  try {
    await route(log, request, response);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else if (!response.destroyed)
      sendError(response, error instanceof ApiError ? error : new ApiError(500, 'The sandbox has failed.'));
  }
}

async function route(log: CallLog, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = `${request.method} ${request.url?.split('?')[0]}`;
  if (target === 'GET /sandbox/calls') return sendJson(response, { data: log.calls });
  authenticate(request);
  if (target === 'GET /v1/models')
    return sendJson(response, { object: 'list', data: [{ id: MODEL, object: 'model', owned_by: 'sandbox' }] });
  if (target !== 'POST /v1/chat/completions')
    throw new ApiError(404, `There is no ${target} here.`, { code: 'unknown_url' });
  const chat = readChatRequest(await readJson(request));
  await complete(chat, log.add(chat.model, chat.messages, chat.stream), response);
}

function authenticate(request: IncomingMessage): void {
  const key = /^Bearer +(\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (!key || key === REFUSED_KEY) throw new ApiError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new ApiError(413, `The body has more than ${MAX_BODY_BYTES} bytes.`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    throw new ApiError(400, 'The body is not JSON.');
  }
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, { status, message, type, param, code, retry_after }: ApiError): void {
  const headers: OutgoingHttpHeaders = { 'content-type': 'application/json' };
  if (retry_after !== undefined) headers['retry-after'] = String(retry_after);
  response.writeHead(status, headers).end(JSON.stringify({ error: { message, type, param, code } }));
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The sandbox does not listen on TCP.');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
