import type {
  CompletionEnd,
  CompletionHead,
  CompletionPiece,
  EmbeddingHead,
  EmbeddingPiece,
  TokenUsage,
} from '@taai/contracts';
import type { ChatAsked, ChatDialect, ChatWriter, EmbeddingsDialect } from '@taai/dialects';
import type { FastifyReply } from 'fastify';
import { toProblem } from '../http/problem.filter';
import { sseHeaders, writeEvents } from '../stream/sse';
import { beginAnswer, writeAll } from '../stream/writer';

/** Millisecond fractions that are worth telling. */
const DECIMALS = 1;
const UNWRITABLE = /[^\x20-\x7e]/g;

/**
 * Who answered, and how long we took ourselves. `x-cost-micro-usd` only where the cost is known before the body.
 *
 * @param elapsed milliseconds since the request came in
 */
export function answerHeaders(head: CompletionHead, elapsed: number, usage?: TokenUsage): Record<string, string> {
  return {
    'x-provider': head.provider,
    // Whatever an agent's fallback is called, it must fit into a header.
    'x-model': head.model.replace(UNWRITABLE, '?'),
    'x-overhead-ms': Math.max(0, elapsed - head.provider_ms).toFixed(DECIMALS),
    ...(usage && usage.cost_micro_usd !== null && { 'x-cost-micro-usd': String(usage.cost_micro_usd) }),
  };
}

/** How the JSON of the last piece begins, and of no other. */
const END = '{"type":"end",';

interface ChatStreamOptions {
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
    raw.headersSent ? words.vector(vectorOf(piece), index++) : words.begin(beginVectors(reply, piece));
  await writeAll(reply, pieces, { format, signal });
  raw.end(words.end());
}

function beginVectors(reply: FastifyReply, piece: string): EmbeddingHead {
  const head = JSON.parse(piece) as EmbeddingPiece;
  if (head.type !== 'head') throw new Error('The answer does not begin with its head.');
  const headers = answerHeaders(head, reply.elapsedTime, head.usage);
  beginAnswer(reply, { 'content-type': 'application/json; charset=utf-8', ...headers });
  return head;
}

/** The JSON of the vector, unread. */
const vectorOf = (piece: string): string => piece.slice(BEFORE.length, -AFTER.length);
