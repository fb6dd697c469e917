import type { GenerateContentStreamResult } from '@google/generative-ai';
import type { Fetch } from '../http/lean-fetch';
interface Way {
  base_url: string;
  secret: string;
  fetch: Fetch;
  signal: AbortSignal;
}
/** One request of Google's SDK on its way, and what the SDK forgets of the reply: why there is none, and when to try again. */
export declare class GoogleCall {
  private readonly way;
  private failure?;
  private asked;
  constructor(way: Way);
  /** @throws ProviderError and no other */
  send<T>(work: (options: { baseUrl: string }) => Promise<T>): Promise<T>;
  /** The chunks of a stream. */
  stream(work: (options: { baseUrl: string }) => Promise<GenerateContentStreamResult>): AsyncGenerator<unknown>;
  /** For what the SDK has no method. */
  get(path: string): Promise<unknown>;
  private toError;
  private readonly fetch;
  /**
   * The events of a stream, each when the reader asks for it: the SDK would read on while nobody does, and when a stream breaks it loses
   * what it has read. It stumbles over comments, too, and over data in several lines.
   *
   * A stream that breaks just ends here. To the SDK that would be an error that passes through every chunk read so far, in a time that
   * grows with their square.
   */
  private paced;
  private turn;
}
export {};
