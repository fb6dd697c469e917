import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { ApiError } from './api-error.ts';
import { CallLog } from './calls.ts';
import type { Format } from './formats/format.ts';
import { record } from './json.ts';
import { readChat, readEmbedding } from './operations.ts';
import { findRoute } from './routes.ts';
import { respond } from './transport.ts';

const MAX_BODY_BYTES = 48 * 1024 * 1024;
const REFUSED_KEY = 'sk-sandbox-invalid';

export interface Sandbox {
  /** Where its calls are told. The base URL of a provider on it: base-url.ts. */
  url: string;
  close(): Promise<void>;
}

/**
 * A provider without a model: the wire formats of five vendors over HTTP, so that everything runs without a key and real SDKs are put to
 * the test.
 *
 * - OpenAI: `/v1/chat/completions`, `/v1/embeddings`, `/v1/models`. Groq: the same under `/openai`, without embeddings.
 * - Anthropic: `/v1/messages`, and `/v1/models` to who sends its headers
 * - Google: `/v1beta/models/sandbox-1:generateContent`, `:streamGenerateContent`, `:batchEmbedContents`, `/v1beta/models`
 * - Ollama: `/api/chat`, `/api/embed`, `/api/tags`
 *
 * Answers and faults are steered by directives.ts; tokens are counted by tokens.ts. Each wants its vendor's key, any but
 * `sk-sandbox-invalid`; Ollama works without.
 *
 * `GET /sandbox/calls`: the newest 1,000 calls as `{data: Call[]}` (calls.ts), without a key.
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
  } catch {
    if (response.headersSent) response.destroy();
    else if (!response.destroyed) sendJson(response, 500, { error: { message: 'The sandbox has failed.' } });
  }
}

async function route(log: CallLog, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = `${request.method} ${decode(request.url?.split('?')[0] ?? '')}`;
  if (target === 'GET /sandbox/calls') return sendJson(response, 200, { data: log.calls });
  const { format, operation, path } = findRoute(request, target);
  try {
    authenticate(format.key(request.headers));
    if (!operation) throw new ApiError(404, `There is no ${target} here.`, { code: 'unknown_url' });
    if (operation === 'models') return sendJson(response, 200, format.models());
    const read = operation === 'chat' ? readChat : readEmbedding;
    const { directives, asked, compose } = read(format, record(await readJson(request)), path);
    const call = log.add(asked);
    const line = { directives, call, times_asked: () => log.timesAsked(call), response };
    await respond(line, () => compose(call));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sendError(response, format, error);
  }
}

/** As Google's SDK sends the name of a model. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function authenticate(key: string | undefined): void {
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

function sendJson(response: ServerResponse, status: number, body: object, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, format: Format, error: ApiError): void {
  const { status, body } = format.error(error);
  const wait = error.retry_after;
  sendJson(response, status, body, wait === undefined ? {} : { 'retry-after': String(wait) });
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
