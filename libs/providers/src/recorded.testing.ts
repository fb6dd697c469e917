import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createProvider } from './registry';
import type { ChatEvent } from './types';
import { startWire, type Exchanged } from './wire.testing';

export const TYPES = {
  sse: 'text/event-stream',
  ndjson: 'application/x-ndjson',
  json: 'application/json; charset=utf-8',
};

type Extension = keyof typeof TYPES;

/** What a vendor sends, by its path under `fixtures`. */
export const recorded = (path: string): string => readFileSync(`libs/providers/src/fixtures/${path}`, 'utf8');

/** Answers with a fixture; a stream in as many pieces as it has parts. */
export const replay =
  (path: `${string}.${Extension}`) =>
  ({ response }: Exchanged): void => {
    const extension = path.slice(path.lastIndexOf('.') + 1) as Extension;
    response.writeHead(200, { 'content-type': TYPES[extension] });
    for (const part of recorded(path).split(/(?<=\n\n|\}\n)/)) response.write(part);
    response.end();
  };

interface Refusal {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

/** Answers with a refusal of a vendor's `errors.json`. */
export const refuse =
  (vendor: string, name: string, headers: Record<string, string> = {}) =>
  ({ response }: Exchanged): void => {
    const refusals = JSON.parse(recorded(`${vendor}/errors.json`)) as Record<string, Refusal>;
    const { status, body, ...refusal } = refusals[name] ?? { status: 0, body: null };
    response.writeHead(status, { 'content-type': 'application/json', ...refusal.headers, ...headers });
    response.end(JSON.stringify(body));
  };

export const KEY = 'sk-canary-0123456789';

/** An adapter on a server that answers so, and what reaches it. */
export async function vendor(kind: string, answer: (exchanged: Exchanged) => void) {
  const arrived = Promise.withResolvers<Exchanged>();
  const exchanges: Exchanged[] = [];
  const server = await startWire((exchanged) => {
    exchanges.push(exchanged);
    arrived.resolve(exchanged);
    answer(exchanged);
  });
  return {
    provider: createProvider(kind, { base_url: baseUrl(kind, server.url), api_key: KEY }),
    /** The first request. */
    arrived: arrived.promise,
    exchanges,
    /** What the first request asked for. */
    body: async (): Promise<unknown> => JSON.parse((await arrived.promise).body),
    close: server.close,
  };
}

/** OpenAI's address has its version, the others' has not. */
const baseUrl = (kind: string, url: string): string => (kind === 'openai' ? url : url.replace('/v1', ''));

export const socketClosed = ({ response }: Exchanged): Promise<unknown> =>
  response.closed ? Promise.resolve() : once(response, 'close');

export async function events(stream: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const seen: ChatEvent[] = [];
  for await (const event of stream) seen.push(event);
  return seen;
}
