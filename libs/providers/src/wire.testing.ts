import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ChatEvent, ChatRequest, StopReason, Usage } from './types';

export interface Exchanged {
  request: IncomingMessage;
  response: ServerResponse;
  body: string;
}

/** A provider over real HTTP, for specs: `answer` writes the bytes. */
export async function startWire(answer: (exchanged: Exchanged) => void) {
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    text(request).then(
      (body) => answer({ request, response, body }),
      () => undefined,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

export const sse = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });

/** One event of OpenAI's stream, with a piece of text, or with whatever else a chunk may hold. */
export const chunk = (part: string | object): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: typeof part === 'string' ? [{ index: 0, delta: { content: part }, finish_reason: null }] : [],
    ...(typeof part === 'string' ? {} : part),
  })}\n\n`;

export const finish = (finish_reason: string, usage: object | null = null): string =>
  chunk({ choices: [{ index: 0, delta: {}, finish_reason }] }) + (usage ? chunk({ usage }) : '') + 'data: [DONE]\n\n';

export const ask = (content: string): ChatRequest => ({ model: 'm', messages: [{ role: 'user', content }] });

/** The text that came before a stream ended or failed. */
export async function drain(events: AsyncIterable<ChatEvent>): Promise<{ text: string; error?: unknown }> {
  let seen = '';
  try {
    for await (const event of events) if (event.type === 'text') seen += event.text;
    return { text: seen };
  } catch (error) {
    return { text: seen, error };
  }
}

interface ChatReply {
  text: string;
  stop_reason: StopReason;
  usage: Usage | null;
}

/** The whole answer of a stream. */
export async function collect(events: AsyncIterable<ChatEvent>): Promise<ChatReply> {
  const reply: ChatReply = { text: '', stop_reason: 'other', usage: null };
  for await (const event of events) {
    if (event.type === 'text') reply.text += event.text;
    else if (event.type === 'finish') Object.assign(reply, { stop_reason: event.stop_reason, usage: event.usage });
  }
  return reply;
}
