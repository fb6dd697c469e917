import type { EmbedContentRequest } from '@google/generative-ai';
import type { GoogleCall } from './google-call';
import { readUsage } from './google-usage';
import { list, record, text } from '../json';
import { ProviderError } from '../provider-error';
import type { EmbeddingRequest, Embeddings, Usage } from '../types';

const MAX_BATCH = 100;
const MODELS_PER_PAGE = 1000;
const MAX_PAGES = 10;
const methods: readonly unknown[] = ['generateContent', 'embedContent'];

/** The SDK's type is older than this. */
interface Request extends EmbedContentRequest {
  outputDimensionality?: number;
}

/** @param send Asks for one batch. */
export async function embed(
  { input, dimensions }: EmbeddingRequest,
  send: (requests: Request[]) => Promise<unknown>,
): Promise<Embeddings> {
  const vectors: number[][] = [];
  let usage: Usage | null = null;
  for (let start = 0; start < input.length; start += MAX_BATCH) {
    const batch = input.slice(start, start + MAX_BATCH);
    const reply = record(await send(batch.map((text) => toRequest(text, dimensions))));
    const embeddings = list(reply.embeddings).map(toVector);
    if (embeddings.length !== batch.length)
      throw new ProviderError('unavailable', 'The provider answered with too many embeddings, or too few.');
    vectors.push(...embeddings);
    usage = add(usage, readUsage(reply.usageMetadata));
  }
  return { vectors, usage };
}

const toRequest = (text: string, outputDimensionality?: number): Request => ({
  content: { role: 'user', parts: [{ text }] },
  outputDimensionality,
});

function toVector(value: unknown): number[] {
  const { values } = record(value);
  const numbers = list(values).filter((number) => typeof number === 'number');
  if (numbers.length === 0 || numbers.length !== list(values).length)
    throw new ProviderError('unavailable', 'The provider answered with something that is no list of embeddings.');
  return numbers;
}

/** Embeddings read alone. */
const add = (one: Usage | null, other: Usage | null): Usage | null =>
  one && other ? { ...other, input_tokens: (one.input_tokens ?? 0) + (other.input_tokens ?? 0) } : (other ?? one);

/** Models that answer or embed. */
export async function listModels(call: GoogleCall): Promise<string[]> {
  const names: string[] = [];
  let token: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const next = token === null ? '' : `&pageToken=${encodeURIComponent(token)}`;
    const reply = record(await call.get(`/v1beta/models?pageSize=${MODELS_PER_PAGE}${next}`));
    if (!Array.isArray(reply.models))
      throw new ProviderError('unavailable', 'The provider answered with something that is no list of models.');
    names.push(...list(reply.models).flatMap(nameOf));
    token = text(reply.nextPageToken);
    if (!token) break;
  }
  return names;
}

function nameOf(model: unknown): string[] {
  const { name, supportedGenerationMethods } = record(model);
  const can = list(supportedGenerationMethods);
  const full = text(name);
  return full === null || (can.length > 0 && !can.some((method) => methods.includes(method)))
    ? []
    : [full.replace(/^models\//, '')];
}
