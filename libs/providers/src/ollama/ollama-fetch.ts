import { refusal } from '../failure';
import { parseJson, record, text } from '../json';
import type { Fetch } from '../http/lean-fetch';
import { ProviderError } from '../provider-error';

/**
 * The way out for one call of Ollama's SDK, which has no signal for one call, tells nothing of an error's headers, and prints what it cannot
 * read.
 */
export const fetchForCall =
  (fetch: Fetch, signal: AbortSignal, secret: string): Fetch =>
  async (input, init) => {
    const response = await fetch(input, { ...init, signal });
    if (response.ok) return response;
    const { status, headers } = response;
    const { error } = record(parseJson(await response.text()));
    throw refusal({ status, names: [], message: text(error), headers }, secret);
  };

/** Where the reply is a stream of JSON lines: the SDK passes over lines that are no JSON, and reads on for those that never come. */
export const withStrictLines =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    const { body } = await fetch(input, init);
    return new Response(body && ReadableStream.from(strictLines(body)));
  };

async function* strictLines(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let last = '';
  for await (const line of linesOf(body)) {
    const message = parseJson(line);
    if (message === undefined)
      throw new ProviderError('unavailable', 'The provider sent a line that is no JSON in its answer.');
    if (record(message).done === true) {
      // Nobody will ask for more. The loop ends first, and with it the reading of the reply.
      last = line;
      break;
    }
    yield encoder.encode(`${line}\n`);
  }
  yield encoder.encode(last);
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const written = decoder.decode(piece, { stream: true });
    rest += written;
    // A long line is looked at once, when it is whole.
    if (!written.includes('\n')) continue;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim()) yield line;
  }
  if (rest.trim()) yield rest;
}
