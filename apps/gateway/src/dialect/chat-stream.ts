import type { CompletionEnd, CompletionHead, CompletionPiece } from '@taai/contracts';
import type { ChatAsked, ChatDialect, ChatWriter } from '@taai/dialects';
import type { FastifyReply } from 'fastify';
import { toProblem } from '../http/problem.filter';
import { sseHeaders, writeEvents } from '../stream/sse';
import { beginAnswer } from '../stream/writer';
import { answerHeaders } from './answer-headers';

/** How the JSON of the last piece begins, and of no other. */
const END = '{"type":"end",';

export interface ChatStreamOptions {
  asked: ChatAsked;
  signal: AbortSignal;
}

/**
 * Answers with the pieces, JSON of `CompletionPiece` each, in the dialect's words, as fast as the client reads. A failure before the
 * first piece is thrown, so that it becomes a status, unless silence was so long that the answer had to begin with a comment. One that
 * comes later is told in the stream.
 */
export async function answerStream(
  reply: FastifyReply,
  pieces: AsyncIterable<string>,
  { stream }: ChatDialect,
  { asked, signal }: ChatStreamOptions,
): Promise<void> {
  const { raw } = reply;
  let writer: ChatWriter | undefined;
  const begin = (piece: string) => {
    const head = headOf(piece);
    if (!raw.headersSent) beginAnswer(reply, { ...sseHeaders, ...answerHeaders(head, reply.elapsedTime) });
    writer = stream.open(head, asked);
    return writer.begin();
  };
  try {
    const format = (piece: string) => (writer ? wordsOf(piece, writer) : begin(piece));
    await writeEvents(reply, pieces, { format, signal });
  } catch (error) {
    if (!raw.headersSent) throw error;
    raw.write(stream.fail(toProblem(error)));
  }
  raw.end();
}

const wordsOf = (piece: string, writer: ChatWriter) =>
  piece.startsWith(END) ? writer.end(endOf(piece)) : writer.event(piece);

const read = (piece: string) => JSON.parse(piece) as CompletionPiece;

function headOf(piece: string): CompletionHead {
  const head = read(piece);
  if (head.type !== 'head') throw new Error('The answer does not begin with its head.');
  return head;
}

function endOf(piece: string): CompletionEnd {
  const end = read(piece);
  if (end.type !== 'end') throw new Error('The last piece of the answer is not its end.');
  return end;
}
