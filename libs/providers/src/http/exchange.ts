import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { currentHandover } from './handover';

// Chunks that wait for a slow reader before the socket is paused.
const CHUNKS_AHEAD = 16;
const NO_BODY = new Set([204, 205, 304]);
// After a reader has what it wants. The end of the reply often follows in a packet of its own.
const GRACE_MS = 1000;
const EVENT_STREAM = 'text/event-stream';
// What comes between two pieces of a stream.
const ENDS = new Map([
  [EVENT_STREAM, ['\n\n', '\r\n\r\n', '\r\r']],
  ['application/x-ndjson', ['\n']],
]);
const LONGEST_END = 4;
const DATA = 'data:';

interface ExchangeOptions {
  /** Most bytes to hold: of a whole reply, or of one piece of a stream, with the comments before it. */
  limit: number;
  signal: AbortSignal | undefined;
  resolve: (response: Response) => void;
  reject: (reason: Error) => void;
}

/** One request's way through undici, and its reply as a `Response`. */
export class Exchange implements Dispatcher.DispatchHandler {
  private controller?: Dispatcher.DispatchController;
  private head: { status: number; headers: [string, string][] } = { status: 0, headers: [] };
  private stream?: ReadableStreamDefaultController<Uint8Array>;
  private ends: readonly string[] = [];
  private hasEvents = false;
  private grace?: NodeJS.Timeout;
  private parts: Buffer[] = [];
  private held = 0;
  /** Bytes passed on since the last event that has data: SDKs keep comments, and all else that tells nothing, until the next one. */
  private silent = 0;
  private tail: Buffer = Buffer.alloc(0);
  private ended?: Error;
  private readonly handover = currentHandover();

  constructor(private readonly options: ExchangeOptions) {
    options.signal?.addEventListener('abort', this.abort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Aborted while it waited for a connection.
    if (this.ended) controller.abort(this.ended);
    else if (this.handover) this.handover.isSent = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.head = { status, headers: flatten(headers) };
    const type = headers['content-type']?.split(';', 1)[0]?.trim() ?? '';
    const ends = ENDS.get(type);
    if (!ends) return;
    this.ends = ends;
    this.hasEvents = type === EVENT_STREAM;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (stream) => void (this.stream = stream),
        pull: () => (this.ended ? this.endWhenRead() : controller.resume()),
        cancel: () => this.leave(controller),
      },
      { highWaterMark: CHUNKS_AHEAD },
    );
    this.options.resolve(new Response(body, this.head));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.held += chunk.length;
    const whole = this.stream ? this.wholePieces(chunk) : 0;
    if (this.grace) this.fail(left());
    else if (this.held + this.silent > this.options.limit)
      this.fail(new Error(`The reply holds more than ${this.options.limit} bytes.`));
    else this.take(controller, chunk, whole);
  }

  onResponseEnd(): void {
    this.options.signal?.removeEventListener('abort', this.abort);
    if (this.grace) clearTimeout(this.grace);
    else if (this.stream) {
      if (this.held > 0) this.stream.enqueue(this.flush());
      this.stream.close();
    } else this.options.resolve(new Response(NO_BODY.has(this.head.status) ? null : this.flush(), this.head));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.end(error);
    this.endWhenRead();
  }

  private readonly abort = (): void => this.fail(new DOMException('This operation was aborted', 'AbortError'));

  /** A connection that is at its end is good for another call. */
  private leave(controller: Dispatcher.DispatchController): void {
    if (this.ended) return;
    this.grace = setTimeout(() => this.fail(left()), GRACE_MS);
    controller.resume();
  }

  private fail(error: Error): void {
    clearTimeout(this.grace);
    this.end(error);
    this.stream?.error(error);
    this.controller?.abort(error);
  }

  private end(error: Error): void {
    this.ended ??= error;
    this.options.signal?.removeEventListener('abort', this.abort);
    this.options.reject(error);
  }

  /** A stream that is told of an error drops what was not read yet: what came before a cut is good, so the error waits for its turn. */
  private endWhenRead(): void {
    if (this.stream?.desiredSize === CHUNKS_AHEAD) this.stream.error(this.ended);
  }

  /** How many of the chunk's bytes end a piece, or come before such; the end of one may lie across two chunks. */
  private wholePieces(chunk: Buffer): number {
    const before = this.tail.length;
    const seen = before > 0 ? Buffer.concat([this.tail, chunk]) : chunk;
    this.tail = seen.subarray(-(LONGEST_END - 1));
    let end = 0;
    for (const blank of this.ends) {
      const at = seen.lastIndexOf(blank);
      if (at >= 0) end = Math.max(end, at + blank.length - before);
    }
    if (end > 0) this.held = chunk.length - end;
    return end;
  }

  /** Readers look at all that they hold with each chunk that comes: of a stream they get whole pieces alone. */
  private take(controller: Dispatcher.DispatchController, chunk: Buffer, whole: number): void {
    if (!this.stream || whole === 0) return void this.parts.push(chunk);
    this.parts.push(chunk.subarray(0, whole));
    const pieces = this.flush();
    if (this.hasEvents) this.silent = hasData(pieces) ? 0 : this.silent + pieces.length;
    this.stream.enqueue(pieces);
    if (whole < chunk.length) this.parts.push(chunk.subarray(whole));
    if ((this.stream.desiredSize ?? 0) <= 0) controller.pause();
  }

  private flush(): Buffer<ArrayBuffer> {
    const parts = this.parts;
    this.parts = [];
    return Buffer.concat(parts);
  }
}

/** Whether a line of it is data. */
function hasData(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at + 1))
    if (at === 0 || bytes[at - 1] === 0x0a || bytes[at - 1] === 0x0d) return true;
  return false;
}

const left = (): DOMException => new DOMException('The reader left.', 'AbortError');

function flatten(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
}
