import { ProblemError } from '@taai/contracts';

/** The same bytes. Throws `payload_too_large` for more than `most` of them, and the signal's reason. */
export async function* atMost(
  source: AsyncIterable<Buffer>,
  most: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source) {
    signal?.throwIfAborted();
    bytes += chunk.length;
    if (bytes > most) throw new ProblemError('payload_too_large');
    yield chunk;
  }
}
