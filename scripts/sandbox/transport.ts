import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as soon, setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './api-error.ts';
import type { Call } from './calls.ts';
import type { Piece } from './chat.ts';
import type { Directives } from './directives.ts';

// Nobody hangs for ever, not even here.
const LONGEST_CALL_MS = 15 * 60_000;
const MAX_BATCH = 16_384;
const PAGE = '<!doctype html><title>Bad gateway</title><h1>502 Bad gateway</h1>';

/** How an answer is written piece by piece. */
export interface Stream {
  content_type: string;
  start(): string;
  /** May be empty. */
  piece(piece: Piece): string;
  end(): string;
  /** A piece that is not JSON. */
  garbage: string;
}

export interface Reply {
  pieces: readonly Piece[];
  /** Absent: the body goes as a whole. */
  stream?: Stream;
  body: () => object;
}

/** One call on its way back, and its faults, in whatever format. */
export interface Line {
  directives: Directives;
  call: Call;
  /** How often this was asked, this time included. */
  times_asked: () => number;
  response: ServerResponse;
}

/**
 * Answers as the directives say.
 *
 * @throws ApiError for a scripted failure; an `AbortError` when the client has left
 */
export async function respond(line: Line, compose: () => Promise<Reply>): Promise<void> {
  const { directives, response } = line;
  const gone = watch(line);
  if (directives.slow) await sleep(directives.slow, undefined, { signal: gone });
  failIfTold(line);
  if (directives.html !== undefined) return void response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  const { pieces, stream, body } = await compose();
  if (directives.endless !== undefined) return sendStream(line, gone, stream ?? endlessBody, forEver());
  return stream ? sendStream(line, gone, stream, pieces) : sendWhole(line, gone, pieces, body);
}

/** A signal that aborts when the client closes its socket before the answer is out. */
function watch({ call, response }: Line): AbortSignal {
  const controller = new AbortController();
  const deadline = setTimeout(() => response.destroy(new Error('No call is longer.')), LONGEST_CALL_MS);
  const closed = (): void => {
    clearTimeout(deadline);
    call.aborted = !response.writableEnded && response.errored === null;
    // At a good end nobody waits.
    if (!response.writableEnded) controller.abort();
  };
  if (response.destroyed) closed();
  else response.once('close', closed);
  return controller.signal;
}

function failIfTold({ directives: { fail, fail_times, retry_after }, times_asked }: Line): void {
  if (fail === undefined && fail_times === undefined) return;
  if (fail_times !== undefined && times_asked() > fail_times) return;
  throw new ApiError(fail ?? 500, 'The sandbox fails because it was asked to.', {
    code: 'sandbox_failure',
    retry_after,
  });
}

async function sendStream(line: Line, gone: AbortSignal, stream: Stream, pieces: Iterable<Piece>): Promise<void> {
  const { directives, call, response } = line;
  await pace(line, gone, 0);
  response.writeHead(200, { 'content-type': stream.content_type, 'cache-control': 'no-cache' });
  // What leaves in the same moment is written at once.
  let batch = stream.start();
  const flush = async (): Promise<void> => {
    const isWritten = response.write(batch);
    batch = '';
    if (!isWritten) await once(response, 'drain', { signal: gone });
  };
  for (const piece of pieces) {
    if (directives.garbage === call.tokens_sent) return void response.end(batch + stream.garbage);
    if (directives.delay > 0) {
      if (batch !== '') await flush();
      await sleep(directives.delay, undefined, { signal: gone });
    }
    batch += stream.piece(piece);
    count(call, piece);
    const isStop = stops(directives, call.tokens_sent);
    if (isStop || directives.delay > 0 || batch.length > MAX_BATCH) await flush();
    if (isStop) await pace(line, gone, call.tokens_sent);
  }
  gone.throwIfAborted();
  response.end(batch + stream.end());
  call.finished = true;
}

async function sendWhole(line: Line, gone: AbortSignal, pieces: readonly Piece[], body: () => object): Promise<void> {
  const { directives, call, response } = line;
  const stop = Math.min(directives.cut ?? Infinity, directives.hang ?? Infinity, pieces.length);
  const time = Math.min(stop * directives.delay, LONGEST_CALL_MS);
  if (time > 0) await sleep(time, undefined, { signal: gone });
  await pace(line, gone, stop);
  gone.throwIfAborted();
  response.writeHead(200, { 'content-type': 'application/json' });
  const json = JSON.stringify(body());
  if (directives.garbage !== undefined) return void response.end(json.slice(0, -1));
  response.end(json);
  for (const piece of pieces) count(call, piece);
  call.finished = true;
}

function count(call: Call, { type }: Piece): void {
  if (type === 'reasoning') call.reasoning_tokens++;
  else call.tokens_sent++;
}

const stops = ({ cut, hang }: Directives, sent: number): boolean => cut === sent || hang === sent;

/** Cuts or hangs where the directives say so: it comes back only if they do not. */
async function pace({ directives, response }: Line, gone: AbortSignal, sent: number): Promise<void> {
  if (!stops(directives, sent)) return;
  // What was written leaves first.
  await soon();
  gone.throwIfAborted();
  if (directives.cut === sent) response.destroy(new Error('Cut because it was asked to.'));
  await once(gone, 'abort');
  gone.throwIfAborted();
}

function* forEver(): Generator<Piece> {
  for (;;) yield { type: 'text', text: ' and so on' };
}

/** A JSON document that does not come to its end. */
const endlessBody: Stream = {
  content_type: 'application/json',
  start: () => '{"text":"',
  piece: (piece) => (piece.type === 'text' ? piece.text : ''),
  end: () => '"}',
  garbage: '"',
};
