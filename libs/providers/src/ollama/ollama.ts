// Not `ollama`, which takes an image for the path of a file, and reads it.
import { Ollama } from 'ollama/browser';
import { call, streamCall } from '../call';
import { toVectors } from '../embeddings';
import { noAnswer } from '../failure';
import { list, record, text } from '../json';
import { sharedFetch, type Fetch } from '../http/lean-fetch';
import { OllamaChunks, readOllamaUsage } from './ollama-chunks';
import { fetchForCall, withStrictLines } from './ollama-fetch';
import { toOllamaRequest } from './ollama-wire';
import { assertKey, ProviderError } from '../provider-error';
import type { Embeddings, ProviderFactory } from '../types';

/** Ollama's own service, or a server of the tenant's: that one needs no key, and takes any. */
export const ollama: ProviderFactory = ({ base_url, api_key, fetch = sharedFetch }) => {
  assertKey(api_key, /^[\x20-\x7e]*[\x21-\x7e]$/);
  const host = (base_url ?? 'https://ollama.com').replace(/(\/api)?\/?$/, '');
  const headers = { authorization: `Bearer ${api_key}` };
  const connect = (fetch: Fetch) => new Ollama({ host, headers, fetch });
  // A client for each call: the SDK aborts all that a client has under way.
  const fetchFor = (signal: AbortSignal) => fetchForCall(fetch, signal, api_key);
  return {
    stream: (request, options) =>
      streamCall(options, toError, new OllamaChunks(), async (signal) =>
        connect(withStrictLines(fetchFor(signal))).chat(toOllamaRequest(request)),
      ),
    embed: ({ model, input, dimensions }, options) =>
      call(options, toError, async (signal) =>
        readEmbeddings(await connect(fetchFor(signal)).embed({ model, input, dimensions }), input.length),
      ),
    models: (options) => call(options, toError, async (signal) => readModels(await connect(fetchFor(signal)).list())),
  };
};

const toError = (error: unknown): ProviderError => (error instanceof ProviderError ? error : noAnswer(error));

function readEmbeddings(reply: unknown, count: number): Embeddings {
  return { vectors: toVectors(list(record(reply).embeddings), count), usage: readOllamaUsage(reply) };
}

function readModels(reply: unknown): string[] {
  const { models } = record(reply);
  if (!Array.isArray(models))
    throw new ProviderError('unavailable', 'The provider answered with something that is no list of models.');
  return list(models).flatMap((model) => text(record(model).model) ?? text(record(model).name) ?? []);
}
