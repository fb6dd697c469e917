import type { EmbeddingRequest, ProviderAdapter, Usage } from '@taai/providers';

export interface EmbeddingReply {
  /** One per input, in its order; none after a failure. */
  vectors: number[][];
  /** It comes whole or not at all. */
  pieces: 0;
  usage: Usage | null;
  failure: Error | null;
  latency_ms: number;
}

/** One call of an embedding model. It does not throw. */
export async function callEmbeddings(
  adapter: ProviderAdapter,
  request: EmbeddingRequest,
  options: { signal: AbortSignal; timeout_ms: number },
): Promise<EmbeddingReply> {
  const begun = performance.now();
  const latency = () => Math.round(performance.now() - begun);
  try {
    const { vectors, usage } = await adapter.embed(request, options);
    return { vectors, pieces: 0, usage, failure: null, latency_ms: latency() };
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    return { vectors: [], pieces: 0, usage: null, failure, latency_ms: latency() };
  }
}
