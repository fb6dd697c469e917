import { GoogleGenerativeAI, type GenerativeModel } from '@google/generative-ai';
import { call, streamCall } from '../call';
import { noAnswer } from '../failure';
import { GoogleCall } from './google-call';
import { embed, listModels } from './google-lists';
import { GoogleReply } from './google-reply';
import { toRequest } from './google-request';
import { leanFetch } from '../http/lean-fetch';
import { assertKey, ProviderError } from '../provider-error';
import type { ProviderFactory } from '../types';

const VENDOR_URL = 'https://generativelanguage.googleapis.com';

const sharedFetch = leanFetch();

/** Google's Gemini API, by the official SDK. A `base_url` ends before `/v1beta`. */
export const google: ProviderFactory = ({ base_url, api_key, fetch = sharedFetch }) => {
  assertKey(api_key, /^[\x21-\x7e]+$/);
  const sdk = new GoogleGenerativeAI(api_key);
  const root = (base_url ?? VENDOR_URL).replace(/\/+$/, '');
  const connect = (signal: AbortSignal) => new GoogleCall({ base_url: root, secret: api_key, fetch, signal });
  return {
    stream: (request, options) =>
      streamCall(options, toError, new GoogleReply(api_key), async (signal) =>
        connect(signal).stream((to) => modelOf(sdk, request.model, to).generateContentStream(toRequest(request))),
      ),
    embed: (request, options) =>
      call(options, toError, (signal) =>
        embed(request, (requests) =>
          connect(signal).send((to) => modelOf(sdk, request.model, to).batchEmbedContents({ requests })),
        ),
      ),
    models: (options) => call(options, toError, (signal) => listModels(connect(signal))),
  };
};

/** The name becomes a part of the address. */
function modelOf(sdk: GoogleGenerativeAI, model: string, to: { baseUrl: string }): GenerativeModel {
  if (!/^([a-z]+\/)?[\w.-]+$/i.test(model))
    throw new ProviderError('invalid_request', 'The name of the model has characters that none has.');
  return sdk.getGenerativeModel({ model }, to);
}

const toError = (error: unknown): ProviderError => (error instanceof ProviderError ? error : noAnswer(error));
