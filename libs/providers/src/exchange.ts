import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

// Chunks that wait for a slow reader before the socket is paused.
const CHUNKS_AHEAD = 16;
const NO_BODY = new Set([204, 205, 304]);
const BLANK_LINES = ['\n\n', '\r\n\r\n', '\r\r'];
const LONGEST_BLANK_LINE = 4;

interface ExchangeOptions {
  /** Most bytes to hold, or to make the reader of an event stream hold. */
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
  #parts: Buffer[] = [];
  #held = 0;
  #tail: Buffer = Buffer.alloc(0);
  #ended?: Error;

  constructor(private readonly options: ExchangeOptions) {
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
    if (!headers['content-type']?.startsWith('text/event-stream')) return;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (stream) => void (this.#stream = stream),
        pull: () => (this.#ended ? this.#endWhenRead() : controller.resume()),
        cancel: () => this.#fail(new DOMException('The reader left.', 'AbortError')),
      },
      { highWaterMark: CHUNKS_AHEAD },
    );
    this.options.resolve(new Response(body, this.#head));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#measure(chunk);
    if (this.#held > this.options.limit)
      this.#fail(new Error(`The reply holds more than ${this.options.limit} bytes.`));
    else if (!this.#stream) this.#parts.push(chunk);
    else {
      this.#stream.enqueue(chunk);
      if ((this.#stream.desiredSize ?? 0) <= 0) controller.pause();
    }
  }

  onResponseEnd(): void {
    this.options.signal?.removeEventListener('abort', this.#abort);
    if (this.#stream) this.#stream.close();
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

  #fail(error: Error): void {
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

  /** A reader of events holds what came after the last blank line, which may lie across two chunks. */
  #measure(chunk: Buffer): void {
    this.#held += chunk.length;
    if (!this.#stream) return;
    const seen = Buffer.concat([this.#tail, chunk]);
    const blank = Math.max(...BLANK_LINES.map((line) => seen.lastIndexOf(line)));
    if (blank >= 0) this.#held = seen.length - blank;
    this.#tail = seen.subarray(-(LONGEST_BLANK_LINE - 1));
  }
}

function flatten(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
}
