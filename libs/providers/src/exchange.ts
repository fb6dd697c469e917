import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

// Chunks that wait for a slow reader before the socket is paused.
const CHUNKS_AHEAD = 16;
const NO_BODY = new Set([204, 205, 304]);
// After a reader has what it wants. The end of the reply often follows in a packet of its own.
const GRACE_MS = 100;
// What comes between two pieces of a stream.
const ENDS = new Map([
  ['text/event-stream', ['\n\n', '\r\n\r\n', '\r\r']],
  ['application/x-ndjson', ['\n']],
]);
const LONGEST_END = 4;
// Readers of streams look again at all that they hold with each chunk that comes.
const MAX_PIECE_BYTES = 1024 * 1024;

interface ExchangeOptions {
  /** Most bytes to hold, or to make the reader of a stream hold. */
  limit: number;
  signal: AbortSignal | undefined;
  resolve: (response: Response) => void;
  reject: (reason: Error) => void;
}

/** One request's way through undici, and its reply as a `Response`. */
export class Exchange implements Dispatcher.DispatchHandler {
  #controller?: Dispatcher.DispatchController;
  #head: { status: number; headers: [string, string][] } = { status: 0, headers: [] };
  #stream?: ReadableStreamDefaultController<Uint8Array>;
  #ends: readonly string[] = [];
  #limit: number;
  #grace?: NodeJS.Timeout;
  #parts: Buffer[] = [];
  #held = 0;
  #tail: Buffer = Buffer.alloc(0);
  #ended?: Error;

  constructor(private readonly options: ExchangeOptions) {
    this.#limit = options.limit;
    options.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it waited for a connection.
    if (this.#ended) controller.abort(this.#ended);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#head = { status, headers: flatten(headers) };
    const ends = ENDS.get(headers['content-type']?.split(';', 1)[0]?.trim() ?? '');
    if (!ends) return;
    this.#ends = ends;
    this.#limit = Math.min(this.#limit, MAX_PIECE_BYTES);
    const body = new ReadableStream<Uint8Array>(
      {
        start: (stream) => void (this.#stream = stream),
        pull: () => (this.#ended ? this.#endWhenRead() : controller.resume()),
        cancel: () => this.#leave(controller),
      },
      { highWaterMark: CHUNKS_AHEAD },
    );
    this.options.resolve(new Response(body, this.#head));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#measure(chunk);
    if (this.#grace) this.#fail(left());
    else if (this.#held > this.#limit) this.#fail(new Error(`The reply holds more than ${this.#limit} bytes.`));
    else if (!this.#stream) this.#parts.push(chunk);
    else {
      this.#stream.enqueue(chunk);
      if ((this.#stream.desiredSize ?? 0) <= 0) controller.pause();
    }
  }

  onResponseEnd(): void {
    this.options.signal?.removeEventListener('abort', this.#abort);
    if (this.#grace) clearTimeout(this.#grace);
    else if (this.#stream) this.#stream.close();
    else
      this.options.resolve(
        new Response(NO_BODY.has(this.#head.status) ? null : Buffer.concat(this.#parts), this.#head),
      );
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
    this.#endWhenRead();
  }

  readonly #abort = (): void => this.#fail(new DOMException('This operation was aborted', 'AbortError'));

  /** A connection that is at its end is good for another call. */
  #leave(controller: Dispatcher.DispatchController): void {
    this.#grace = setTimeout(() => this.#fail(left()), GRACE_MS);
    controller.resume();
  }

  #fail(error: Error): void {
    clearTimeout(this.#grace);
    this.#end(error);
    this.#stream?.error(error);
    this.#controller?.abort(error);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.options.signal?.removeEventListener('abort', this.#abort);
    this.options.reject(error);
  }

  /** A stream that is told of an error drops what was not read yet: what came before a cut is good, so the error waits for its turn. */
  #endWhenRead(): void {
    if (this.#stream?.desiredSize === CHUNKS_AHEAD) this.#stream.error(this.#ended);
  }

  /** A reader holds what came after the last whole piece, whose end may lie across two chunks. */
  #measure(chunk: Buffer): void {
    this.#held += chunk.length;
    if (!this.#stream) return;
    const seen = Buffer.concat([this.#tail, chunk]);
    const end = Math.max(...this.#ends.map((line) => seen.lastIndexOf(line)));
    if (end >= 0) this.#held = seen.length - end;
    this.#tail = seen.subarray(-(LONGEST_END - 1));
  }
}

const left = (): DOMException => new DOMException('The reader left.', 'AbortError');

function flatten(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
}
