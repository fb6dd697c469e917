import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the provider is asked by the model's name: `mock-<tokens>-<milliseconds before each token>`. */
const MODEL = /"model":"(?:openai\/)?mock-(\d+)-(\d+)"/;

const head = { id: 'chatcmpl-mock', created: 1_767_225_600, model: 'mock' };
const usage = (completion_tokens: number) => ({
  ...{ prompt_tokens: 20, completion_tokens },
  total_tokens: 20 + completion_tokens,
});

const whole = (tokens: number) =>
  JSON.stringify({
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: ' token'.repeat(tokens) }, finish_reason: 'stop' }],
    usage: usage(tokens),
  });

const chunk = (choices: object[], more: object = {}) =>
  `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;

const token = chunk([{ index: 0, delta: { content: ' token' }, finish_reason: null }]);
const end = chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]);

async function stream(response: ServerResponse, tokens: number, delay: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let sent = 0; sent < tokens && !response.destroyed; sent += 1) {
    if (delay > 0) await sleep(delay);
    response.write(token);
  }
  response.end(`${end}${chunk([], { usage: usage(tokens) })}data: [DONE]\n\n`);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const body = Buffer.concat(parts).toString();
  const [, tokens = '1', delay = '0'] = MODEL.exec(body) ?? [];
  if (body.includes('"stream":true')) return stream(response, Number(tokens), Number(delay));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(whole(Number(tokens)));
}

/** A provider that costs next to nothing, in OpenAI's format. Resolves when it listens. */
export function serveMock(port: number): Promise<void> {
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
}
