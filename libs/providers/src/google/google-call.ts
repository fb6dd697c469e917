import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import type { GenerateContentStreamResult } from '@google/generative-ai';
import { noAnswer } from '../failure';
import { refused } from './google-errors';
import { parseJson, record } from '../json';
import type { Fetch } from '../http/lean-fetch';
import { ProviderError } from '../provider-error';
import { NOWHERE, withFetch } from './routed-fetch';
import { sseData } from '../http/sse-data';

// Google's SDK keeps what it has read until the stream ends. 16,000 events fit in, or fewer that are longer.
const MAX_STREAM_CHARACTERS = 16 * 1024 * 1024;
const CHARACTERS_PER_EVENT = 1024;
// It takes long over each: whoever sends many at once must not keep others waiting.
const EVENTS_AT_ONCE = 100;

interface Way {
  base_url: string;
  secret: string;
  fetch: Fetch;
  signal: AbortSignal;
}

/** One request of Google's SDK on its way, and what the SDK forgets of the reply: why there is none, and when to try again. */
export class GoogleCall {
  private failure?: ProviderError;
  private asked = Promise.withResolvers<void>();
  /** A stream is opened where it is read: its request belongs to the call that it was made for. */
  private readonly inCall = AsyncLocalStorage.snapshot();

  constructor(private readonly way: Way) {}

  /** @throws ProviderError and no other */
  async send<T>(work: (options: { baseUrl: string }) => Promise<T>): Promise<T> {
    try {
      return await this.inCall(() => withFetch(this.fetch, () => work({ baseUrl: NOWHERE })));
    } catch (error) {
      throw this.toError(error);
    }
  }

  /** The chunks of a stream. */
  async *stream(work: (options: { baseUrl: string }) => Promise<GenerateContentStreamResult>): AsyncGenerator<unknown> {
    const { stream, response } = await this.send(work);
    // The whole answer, which nobody asked for.
    response.catch(() => undefined);
    try {
      for (;;) {
        this.asked.resolve();
        const next: IteratorResult<unknown, undefined> = await stream.next();
        if (this.failure) throw this.failure;
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      throw this.toError(error);
    }
  }

  /** For what the SDK has no method. */
  async get(path: string): Promise<unknown> {
    const response = await this.fetch(NOWHERE + path, { headers: { 'x-goog-api-key': this.way.secret } });
    return parseJson(await response.text());
  }

  private toError(error: unknown): ProviderError {
    return error instanceof ProviderError ? error : (this.failure ?? noAnswer(error));
  }

  private readonly fetch: Fetch = async (input, init) => {
    const { base_url, secret, fetch, signal } = this.way;
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const url = base_url + pathname + search;
    const response = await fetch(url, { ...init, signal }).catch((error: unknown) => {
      throw (this.failure = noAnswer(error));
    });
    if (!response.ok) {
      const { error } = record(parseJson(await response.text()));
      throw (this.failure = refused(record(error), secret, response));
    }
    const is_stream = response.headers.get('content-type')?.startsWith('text/event-stream');
    return is_stream && response.body ? new Response(ReadableStream.from(this.paced(response.body))) : response;
  };

  /**
   * The events of a stream, each when the reader asks for it: the SDK would read on while nobody does, and when a stream breaks it loses
   * what it has read. It stumbles over comments, too, and over data in several lines.
   *
   * A stream that breaks just ends here. To the SDK that would be an error that passes through every chunk read so far, in a time that
   * grows with their square.
   */
  private async *paced(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    const encoder = new TextEncoder();
    const events = sseData(body);
    try {
      for (let count = 1, held = 0; ; count++) {
        await this.turn();
        if (count % EVENTS_AT_ONCE === 0) await setImmediate();
        const next: IteratorResult<string, undefined> = await events.next();
        if (next.done) return;
        held += next.value.length + CHARACTERS_PER_EVENT;
        if (held > MAX_STREAM_CHARACTERS) throw new ProviderError('unavailable', 'The provider answers without end.');
        yield encoder.encode(`data: ${next.value}\n\n`);
      }
    } catch (error) {
      this.failure = this.toError(error);
    }
  }

  private async turn(): Promise<void> {
    await this.asked.promise;
    this.asked = Promise.withResolvers();
  }
}
