import { isNativeError } from 'node:util/types';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import type { Fetch } from '@taai/providers';
import { ToolFailure } from '../loaded-tool';
import { outboundFailure } from '../tool-result';

/** In answer to one request, however many events it has. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const LEAVE_MS = 2000;

export interface McpServer {
  url: string;
  headers: Record<string, string>;
  /** For connecting, and all that is asked. */
  timeout_ms: number;
  signal: AbortSignal;
}

/** What servers declare of their results is not checked: compiling what strangers wrote could take for ever. */
const unchecked: jsonSchemaValidator = {
  getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
};

/** Connects to a server by streamable HTTP, asks, and leaves. Throws ToolFailures: whatever the server does, within `timeout_ms`. */
export async function withMcp<T>(
  fetch: Fetch,
  { url, headers, timeout_ms, signal }: McpServer,
  ask: (client: Client, options: RequestOptions) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)]);
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: boundedFetch(fetch),
    requestInit: { headers, redirect: 'manual' },
  });
  const client = new Client({ name: 'task-assistant', version: '1.0.0' }, { jsonSchemaValidator: unchecked });
  const options = { signal: deadline, timeout: timeout_ms };
  const work = async () => {
    await client.connect(transport, options);
    return ask(client, options);
  };
  try {
    deadline.throwIfAborted();
    return await Promise.race([work(), brokenOff(client, deadline)]);
  } catch (error) {
    throw failureOf(error, { signal: deadline, ms: timeout_ms });
  } finally {
    void leave(client, transport);
  }
}

/** Rejects at the deadline, and when an answer cannot be read: nobody would be told of that before the deadline. */
function brokenOff(client: Client, deadline: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    client.onerror = reject;
    deadline.addEventListener('abort', () => reject(deadline.reason as Error), { once: true });
  });
}

/** The session is ended behind the caller's back, and the sockets are closed. */
async function leave(client: Client, transport: StreamableHTTPClientTransport): Promise<void> {
  const timer = setTimeout(() => void transport.close(), LEAVE_MS);
  await transport.terminateSession().catch(() => undefined);
  clearTimeout(timer);
  await client.close().catch(() => undefined);
}

/** No stream is opened for what servers might say unasked, only to go on with one that broke off. */
const boundedFetch =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    if (init?.method === 'GET' && !new Headers(init.headers).has('last-event-id'))
      return new Response(null, { status: 405 });
    const response = await fetch(input, init);
    return response.body ? new Response(response.body.pipeThrough(limited(MAX_ANSWER_BYTES)), response) : response;
  };

function limited(bytes: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, stream) {
      left -= chunk.length;
      if (left < 0) stream.error(new Error(`The answer is longer than ${bytes} bytes.`));
      else stream.enqueue(chunk);
    },
  });
}

function failureOf(error: unknown, deadline: { signal: AbortSignal; ms: number }): ToolFailure {
  if (deadline.signal.aborted) return outboundFailure(error, deadline);
  if (error instanceof StreamableHTTPError) return new ToolFailure('http_error', error.message);
  if (error instanceof McpError || isUnreadable(error)) return new ToolFailure('mcp_error', inWords(error));
  return outboundFailure(error, deadline);
}

const isUnreadable = (error: unknown): error is Error =>
  isNativeError(error) && /SyntaxError|ZodError/.test(error.name);

const inWords = (error: Error) =>
  error instanceof McpError ? error.message : `The server sent what is not MCP: ${error.message}`;
