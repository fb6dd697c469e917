import type { EmbeddingHead, EmbeddingPiece } from '@taai/contracts';
import type { FastifyReply } from 'fastify';
import { beginAnswer, writeAll } from '../stream/writer';
import { answerHeaders, modelName, openAiUsage } from './chat-answer';

/**
 * Answers with the vectors, JSON of `EmbeddingPiece` each, as fast as the client reads: together they may be larger than what anybody
 * should hold. What fails in the middle closes the connection.
 */
export async function answerVectors(
  reply: FastifyReply,
  pieces: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const { raw } = reply;
  let index = 0;
  const format = (piece: string) => (raw.headersSent ? itemOf(piece, index++) : begin(reply, piece));
  await writeAll(reply, pieces, { format, signal });
  raw.end(']}');
}

function begin(reply: FastifyReply, piece: string): string {
  const head = headOf(piece);
  const { usage } = head;
  beginAnswer(reply, {
    'content-type': 'application/json; charset=utf-8',
    ...answerHeaders(head, reply.elapsedTime, usage),
  });
  const { prompt_tokens, total_tokens } = openAiUsage(usage);
  const rest = JSON.stringify({ object: 'list', model: modelName(head), usage: { prompt_tokens, total_tokens } });
  return `${rest.slice(0, -1)},"data":[`;
}

/** `{"embedding":…}` with the two fields that OpenAI's clients expect before it. */
const itemOf = (piece: string, index: number) =>
  `${index === 0 ? '' : ','}{"object":"embedding","index":${index},${piece.slice(1)}`;

function headOf(piece: string): EmbeddingHead {
  const { head } = JSON.parse(piece) as EmbeddingPiece;
  if (!head) throw new Error('The answer does not begin with its head.');
  return head;
}
