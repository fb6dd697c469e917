import type { EmbedContentRequest } from '@google/generative-ai';
import type { GoogleCall } from './google-call';
import type { EmbeddingRequest, Embeddings } from '../types';
/** The SDK's type is older than this. */
interface Request extends EmbedContentRequest {
  outputDimensionality?: number;
}
/** @param send Asks for one batch. */
export declare function embed(
  { input, dimensions }: EmbeddingRequest,
  send: (requests: Request[]) => Promise<unknown>,
): Promise<Embeddings>;
/** Models that answer or embed. */
export declare function listModels(call: GoogleCall): Promise<string[]>;
export {};
