import type { EmbeddingHead, EmbeddingPiece } from '@taai/contracts';
import type { EmbeddingsDialect } from '@taai/dialects';
import type { FastifyReply } from 'fastify';
import { beginAnswer, writeAll } from '../stream/writer';
import { answerHeaders } from './answer-headers';

/** What stands around the JSON of a vector in its piece. */
const [BEFORE, AFTER] = ['{"type":"vector","vector":', '}'];

/**
 * Answers with the vectors, JSON of `EmbeddingPiece` each, as fast as the client reads: together they may be larger than what anybody
 * should hold. What fails in the middle closes the connection.
 */
export async function answerVectors(
  reply: FastifyReply,
  pieces: AsyncIterable<string>,
  { reply: words }: EmbeddingsDialect,
  signal: AbortSignal,
): Promise<void> {
  const { raw } = reply;
  let index = 0;
  const format = (piece: string) =>
    raw.headersSent ? words.vector(vectorOf(piece), index++) : words.begin(begin(reply, piece));
  await writeAll(reply, pieces, { format, signal });
  raw.end(words.end());
}

function begin(reply: FastifyReply, piece: string): EmbeddingHead {
  const head = headOf(piece);
  const headers = answerHeaders(head, reply.elapsedTime, head.usage);
  beginAnswer(reply, { 'content-type': 'application/json; charset=utf-8', ...headers });
  return head;
}

/** The JSON of the vector, unread. */
const vectorOf = (piece: string): string => piece.slice(BEFORE.length, -AFTER.length);

function headOf(piece: string): EmbeddingHead {
  const head = JSON.parse(piece) as EmbeddingPiece;
  if (head.type !== 'head') throw new Error('The answer does not begin with its head.');
  return head;
}
