import { ProviderError } from '../provider-error';
import type { CallOptions } from '../types';
/**
 * Joins the caller's abort, the time for a whole call and for its first piece, and the greatest silence within a stream in one signal, and
 * remembers which of them it was: SDKs end quietly when aborted.
 */
export declare class Deadline {
  private readonly options;
  private readonly controller;
  private readonly abort;
  private readonly expire;
  private readonly timer;
  private first?;
  private idle?;
  private silent;
  private failure?;
  constructor(options: CallOptions);
  get signal(): AbortSignal;
  /** Why the call was ended from here, if it was. */
  get error(): ProviderError | undefined;
  /** The provider's turn: from now on silence counts. */
  waiting(): void;
  /** A piece of the answer is here: it is the reader's turn, who may take any time. */
  received(): void;
  /** The answer is no longer wanted. */
  leave(): void;
  close(): void;
  private end;
}
