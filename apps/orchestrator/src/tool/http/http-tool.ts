import { limits, type HttpToolConfig } from '@taai/contracts';
import { parseJson, type JsonObject } from '@taai/providers';
import { request, type Dispatcher } from 'undici';
import { assertFits, fillBody, fillHeaders, fillUrl } from './http-template';
import { ToolFailure, type ToolContext } from '../loaded-tool';
import { outboundFailure, sizeOf } from '../tool-result';

/** What stands around the body in a result. */
const FRAME_BYTES = 256;

/** What a tool gives that is a request. */
interface HttpResult {
  status: number;
  /** JSON if the answer said it was and fits, else text. */
  body: unknown;
  /** The end was cut off. */
  truncated?: true;
}

export const isRepeatable = ({ method, idempotent = false }: HttpToolConfig): boolean =>
  idempotent || method === 'GET' || method === 'HEAD';

/** Sends the request once, follows no redirect, and reads as much of the answer as it may. Throws ToolFailure for 300 and above. */
export async function callHttp(
  dispatcher: Dispatcher,
  config: HttpToolConfig,
  secret_headers: Record<string, string>,
  args: JsonObject,
  { execution_id, signal }: Pick<ToolContext, 'execution_id' | 'signal'>,
): Promise<HttpResult> {
  const { timeout_ms = limits.defaultToolTimeoutMs, max_bytes = limits.defaultToolAnswerBytes, method } = config;
  assertFits(config, args);
  const url = fillUrl(config, args);
  const body = fillBody(config.body, args);
  const headers = {
    'user-agent': 'task-assistant-tools',
    accept: 'application/json, text/*;q=0.9, */*;q=0.1',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...lowerCased(fillHeaders(config.headers, args)),
    ...lowerCased(secret_headers),
    'accept-encoding': 'identity',
    'idempotency-key': execution_id,
  };
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)]);
  try {
    const answer = await request(url, {
      dispatcher,
      method,
      headers,
      signal: deadline,
      // The deadline above is the only one.
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { bytes, truncated } = await readUpTo(answer.body, max_bytes);
    return resultOf(answer.statusCode, String(answer.headers['content-type']), bytes.toString(), truncated);
  } catch (error) {
    throw outboundFailure(error, { signal: deadline, ms: timeout_ms });
  }
}

const lowerCased = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

async function readUpTo(body: Dispatcher.ResponseData['body'], limit: number) {
  const chunks: Buffer[] = [];
  let held = 0;
  // Leaving the loop early destroys the socket, which is told as an error to whoever listens.
  body.on('error', () => undefined);
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    held += chunk.length;
    if (held > limit) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, limit), truncated: held > limit };
}

function resultOf(status: number, type: string, text: string, truncated: boolean): HttpResult {
  if (status >= 300) throw new ToolFailure('http_error', inWords(status, text));
  const json = truncated || !/[/+]json\b/i.test(type) ? undefined : parseJson(text);
  if (json !== undefined && sizeOf(json) <= limits.toolResultBytes - FRAME_BYTES) return { status, body: json };
  const body = fitting(text);
  return { status, body, ...((truncated || body.length < text.length) && { truncated: true }) };
}

function inWords(status: number, text: string): string {
  if (status < 400) return `The server answered ${status}: redirects are not followed.`;
  return text.trim() ? `The server answered ${status}: ${text.trim()}` : `The server answered ${status}.`;
}

/** As much of the text as a result can hold; JSON makes up to six bytes of a character. */
function fitting(text: string): string {
  let kept = text;
  for (let size = sizeOf(kept); size > limits.toolResultBytes - FRAME_BYTES; size = sizeOf(kept)) {
    kept = kept.slice(0, Math.floor((kept.length * (limits.toolResultBytes - FRAME_BYTES)) / size));
  }
  return kept;
}
