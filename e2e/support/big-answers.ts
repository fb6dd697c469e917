import { startServer, type TestServer } from '../../apps/orchestrator/src/tool/http/http-server.testing';

/** Of one answer, a little less than a run may say. */
export const ANSWER_BYTES = 384_000;
const PIECE_BYTES = 16_000;

const chunk = (choice: object, usage?: object) =>
  `data: ${JSON.stringify({ id: 'big', object: 'chat.completion.chunk', created: 1, model: 'big', choices: [choice], usage })}\n\n`;

/** A provider in OpenAI's format that says as much as it may, at once. */
export function startBigAnswers(): Promise<TestServer> {
  // Few words, because an index of words is not what is tested.
  const text = `${'x'.repeat(999)} `.repeat(PIECE_BYTES / 1000);
  const piece = chunk({ index: 0, delta: { content: text }, finish_reason: null });
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const body = `${piece.repeat(ANSWER_BYTES / PIECE_BYTES)}${chunk({ index: 0, delta: {}, finish_reason: 'stop' }, usage)}data: [DONE]\n\n`;
  return startServer((response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body));
}
