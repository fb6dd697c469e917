import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
interface ExchangeOptions {
  /** Most bytes to hold: of a whole reply, or of one piece of a stream, with the comments before it. */
  limit: number;
  signal: AbortSignal | undefined;
  resolve: (response: Response) => void;
  reject: (reason: Error) => void;
}
/** One request's way through undici, and its reply as a `Response`. */
export declare class Exchange implements Dispatcher.DispatchHandler {
  private readonly options;
  private controller?;
  private head;
  private stream?;
  private ends;
  private hasEvents;
  private grace?;
  private parts;
  private held;
  /** Bytes passed on since the last event that has data: SDKs keep comments, and all else that tells nothing, until the next one. */
  private silent;
  private tail;
  private ended?;
  constructor(options: ExchangeOptions);
  onRequestStart(controller: Dispatcher.DispatchController): void;
  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void;
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void;
  private readonly abort;
  /** A connection that is at its end is good for another call. */
  private leave;
  private fail;
  private end;
  /** A stream that is told of an error drops what was not read yet: what came before a cut is good, so the error waits for its turn. */
  private endWhenRead;
  /** How many of the chunk's bytes end a piece, or come before such; the end of one may lie across two chunks. */
  private wholePieces;
  /** Readers look at all that they hold with each chunk that comes: of a stream they get whole pieces alone. */
  private take;
  private flush;
}
export {};
