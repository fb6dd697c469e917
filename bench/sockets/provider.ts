import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { askedFor, emitTokens } from './tokens.ts';

/** Serves chat completions of OpenAI's format: as many tokens as are asked for. */
export async function serveProvider(port: number): Promise<void> {
  const server = createServer((request: IncomingMessage, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = (body: object) => response.write(`data: ${JSON.stringify({ id: 'x', model: 'm', ...body })}\n\n`);
    void (async () => {
      const tokens = askedFor(await text(request));
      await emitTokens(tokens, (content) =>
        chunk({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] }),
      );
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
      chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: tokens, total_tokens: tokens + 1 } });
      response.end('data: [DONE]\n\n');
    })();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
