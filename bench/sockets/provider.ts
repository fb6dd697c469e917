import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** Of one answer. */
export const TOKENS = 150;
const TOKEN_MS = 20;

/** Milliseconds since 1970, with their fractions: all processes of the machine share the clock. */
export const now = (): number => performance.timeOrigin + performance.now();

/** Serves chat completions of OpenAI's format, a token each 20 ms; each token is the time at which it was sent. */
export async function serveProvider(port: number): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = (body: object) => response.write(`data: ${JSON.stringify({ id: 'x', model: 'm', ...body })}\n\n`);
    void (async () => {
      for (let n = 0; n < TOKENS; n += 1) {
        chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: `${now()} ` }, finish_reason: null }] });
        await delay(TOKEN_MS);
      }
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
      chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: TOKENS, total_tokens: TOKENS + 1 } });
      response.end('data: [DONE]\n\n');
    })();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
