import type { CompletionEnd, CompletionHead, CompletionPiece } from '@taai/contracts';
import type { FastifyReply } from 'fastify';
import { toProblem } from '../http/problem.filter';
import { sseHeaders, writeEvents } from '../stream/sse';
import { beginAnswer } from '../stream/writer';
import { answerHeaders, ChunkFrame } from './chat-answer';
import { openAiError } from './error';

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
  try {
    const format = (piece: string) => (frame ? chunkOf(piece, frame) : begin(piece));
    await writeEvents(reply, pieces, { format, signal });
  } catch (error) {
    if (!raw.headersSent) throw error;
    raw.write(`data: ${openAiError(toProblem(error))}\n\n`);
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
