import type { ChatDialect, Dialect } from './dialect';
import { openAiError } from './openai-chat/error';
import { chatCompletion } from './openai-chat/reply';
import { chatRequest, type OpenAiAsked } from './openai-chat/request';
import { chunks } from './openai-chat/stream';
import { embeddings } from './openai-embeddings/reply';
import { embeddingsRequest } from './openai-embeddings/request';
import { modelReply, modelsReply } from './openai-models/reply';
import { modelRequest, modelsRequest } from './openai-models/request';

const openAiChat: ChatDialect<OpenAiAsked> = {
  name: 'openai-chat',
  kind: 'chat',
  http: 'POST /v1/chat/completions',
  summary: 'Ask a model or an agent, as OpenAI’s clients do: the answer, or its chunks as SSE (`stream`)',
  request: chatRequest,
  stream: chunks,
  reply: chatCompletion,
  error: openAiError,
};

/** Every API that clients may speak, a route each. */
export const dialects: readonly Dialect[] = [
  openAiChat,
  {
    name: 'openai-embeddings',
    kind: 'embeddings',
    http: 'POST /v1/embeddings',
    summary: 'Make vectors of texts, as OpenAI’s clients do',
    request: embeddingsRequest,
    reply: embeddings,
    error: openAiError,
  },
  {
    name: 'openai-models',
    kind: 'models',
    http: 'GET /v1/models',
    summary: 'List what `model` may be: the models of the active providers, and the active agents',
    request: modelsRequest,
    reply: modelsReply,
    error: openAiError,
  },
  {
    name: 'openai-model',
    kind: 'model',
    http: 'GET /v1/models/:id',
    summary: 'Whether there is such a model or agent',
    request: modelRequest,
    reply: modelReply,
    error: openAiError,
  },
];
