import { once } from 'node:events';
import type { CompletionEnd, CompletionHead, CompletionPiece } from '@taai/contracts';
import type { FastifyReply } from 'fastify';
import { toProblem } from '../http/problem.filter';
import { beginAnswer, sseHeaders } from '../stream/sse';
import { answerHeaders, ChunkFrame } from './chat-answer';
import { openAiError } from './error';

const KEEP_ALIVE_MS = 15_000;
/** How the JSON of the last piece begins, and of no other. */
const END = '{"end":';

export interface ChatStreamOptions {
  include_usage: boolean;
  signal: AbortSignal;
}

/**
 * Answers with the pieces, JSON of `CompletionPiece` each, as OpenAI's chunks, as fast as the client reads. A failure before the
 * first piece is thrown, so that it becomes a status, unless silence was so long that the answer had to begin with a comment. One that
 * comes later is told in the stream, which then ends without `[DONE]`.
 */
export async function answerChunks(
  reply: FastifyReply,
  pieces: AsyncIterable<string>,
  { include_usage, signal }: ChatStreamOptions,
): Promise<void> {
  const { raw } = reply;
  let frame: ChunkFrame | undefined;
  const begin = (piece: string) => {
    const head = headOf(piece);
    if (!raw.headersSent) beginAnswer(reply, { ...sseHeaders, ...answerHeaders(head, reply.elapsedTime) });
    frame = new ChunkFrame(head, include_usage);
    return frame.first();
  };
  const keepAlive = setInterval(() => {
    if (!raw.headersSent) beginAnswer(reply, sseHeaders);
    raw.write(': keep-alive\n\n');
  }, KEEP_ALIVE_MS);
  try {
    for await (const piece of pieces) {
      const chunk = frame ? chunkOf(piece, frame) : begin(piece);
      if (!raw.write(chunk)) await once(raw, 'drain', { signal });
    }
  } catch (error) {
    if (!raw.headersSent) throw error;
    raw.write(`data: ${openAiError(toProblem(error))}\n\n`);
  } finally {
    clearInterval(keepAlive);
  }
  raw.end();
}

const chunkOf = (piece: string, frame: ChunkFrame) =>
  piece.startsWith(END) ? frame.last(endOf(piece)) : frame.around(piece);

const read = (piece: string) => JSON.parse(piece) as CompletionPiece;

function headOf(piece: string): CompletionHead {
  const { head } = read(piece);
  if (!head) throw new Error('The answer does not begin with its head.');
  return head;
}

function endOf(piece: string): CompletionEnd {
  const { end } = read(piece);
  if (!end) throw new Error('The last piece of the answer is not its end.');
  return end;
}
