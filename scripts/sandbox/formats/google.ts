import { ApiError } from '../api-error.ts';
import type { ChatRequest, Message, Piece } from '../chat.ts';
import { limit, list, parseObject, record, text, textOf, type Json } from '../json.ts';
import { mediaOf } from '../media.ts';
import { event, EVENT_STREAM, MODEL, type Exchange, type Format, type Path } from './format.ts';
import { readMessages } from './messages.ts';

export const google: Format = {
  kind: 'google',
  routes: {
    chat: /^POST \/v1beta\/models\/(?<model>[^/]+):(?:generateContent|(?<stream>streamGenerateContent))$/,
    models: /^GET \/v1beta\/models$/,
    embeddings: /^POST \/v1beta\/models\/(?<model>[^/]+):batchEmbedContents$/,
  },
  key: (headers) => text(headers['x-goog-api-key']) || undefined,
  error,
  models: () => ({
    models: [
      {
        name: `models/${MODEL}`,
        displayName: 'Sandbox',
        version: '1',
        supportedGenerationMethods: ['generateContent', 'embedContent'],
      },
    ],
  }),
  readChat,
  whole: (exchange) => {
    const { reasoning, text: said, tool_calls } = exchange.answer;
    const parts = [
      ...(reasoning ? [thought(reasoning)] : []),
      ...(said ? [{ text: said }] : []),
      ...tool_calls.map(toCall),
    ];
    return toResponse(exchange, parts, exchange.answer.usage?.completion_tokens, true);
  },
  stream,
  embeddings: {
    read: ({ requests }, { model = '' }) => ({
      model,
      input: list(requests).map((request) => textOf(record(record(request).content).parts)),
      ...readDimensions(list(requests)[0]),
      base64: false,
    }),
    whole: ({ vectors }) => ({ embeddings: vectors.map((values) => ({ values })) }),
  },
};

const statuses: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** A wrong key is an invalid argument here. */
function error({ status: wanted, message, code, retry_after }: ApiError): { status: number; body: object } {
  const isWrongKey = code === 'invalid_api_key';
  const status = isWrongKey ? 400 : wanted;
  const type = (name: string) => ({ '@type': `type.googleapis.com/google.rpc.${name}` });
  const details = [
    ...(isWrongKey ? [{ ...type('ErrorInfo'), reason: 'API_KEY_INVALID', domain: 'googleapis.com' }] : []),
    ...(retry_after === undefined ? [] : [{ ...type('RetryInfo'), retryDelay: `${retry_after}s` }]),
  ];
  const shown = isWrongKey ? 'API key not valid. Please pass a valid API key.' : message;
  return { status, body: { error: { code: status, message: shown, status: statuses[status] ?? 'UNKNOWN', details } } };
}

function readDimensions(request: unknown): { dimensions?: number } {
  const { outputDimensionality } = record(request);
  return typeof outputDimensionality === 'number' ? { dimensions: outputDimensionality } : {};
}

const modes: Record<string, 'none' | 'required'> = { NONE: 'none', ANY: 'required' };

function readChat(body: Json, { model = '', stream: streamed }: Path): ChatRequest {
  const { systemInstruction, tools, toolConfig } = body;
  const { maxOutputTokens, responseMimeType, responseSchema, responseJsonSchema } = record(body.generationConfig);
  const { mode, allowedFunctionNames } = record(record(toolConfig).functionCallingConfig);
  const [only] = list(allowedFunctionNames);
  const system = typeof systemInstruction === 'string' ? systemInstruction : textOf(record(systemInstruction).parts);
  const messages = readMessages(body.contents, 'contents').flatMap(readContent);
  return {
    model,
    messages: system ? [{ role: 'system', content: system }, ...messages] : messages,
    tools: list(tools)
      .flatMap((tool) => list(record(tool).functionDeclarations))
      .map(record)
      .map(({ name, parameters, parametersJsonSchema }) => ({
        name: text(name),
        schema: record(parameters ?? parametersJsonSchema),
      })),
    tool_choice: mode === 'ANY' && only !== undefined ? { name: text(only) } : (modes[text(mode)] ?? 'auto'),
    stream: streamed !== undefined,
    include_usage: true,
    max_tokens: limit(maxOutputTokens),
    ...(responseMimeType === 'application/json' && { schema: record(responseSchema ?? responseJsonSchema) }),
  };
}

/** A content is what one side said, and the calls or results of tools among it. */
function readContent({ role, parts }: Json & { role: string }, index: number): Message[] {
  const read = list(parts).map(record);
  const said = { content: textOf(parts), ...mediaOf({ parts }) };
  if (role === 'model') {
    const tool_calls = read
      .filter(({ functionCall }) => functionCall !== undefined)
      .map(({ functionCall }) => record(functionCall))
      .map(({ id, name, args }) => ({ id: text(id), name: text(name), arguments: JSON.stringify(args ?? {}) }));
    return [{ role: 'assistant', ...said, ...(tool_calls.length > 0 && { tool_calls }) }];
  }
  if (role !== 'user' && role !== 'function')
    throw new ApiError(400, 'Please use a valid role: user, model.', { param: `contents.${index}.role` });
  const results: Message[] = read
    .filter(({ functionResponse }) => functionResponse !== undefined)
    .map(({ functionResponse }) => record(functionResponse))
    .map(({ name, response }) => ({ role: 'tool', content: JSON.stringify(response ?? {}), tool_call_id: text(name) }));
  return results.length > 0 && said.content === '' ? results : [...results, { role: 'user', ...said }];
}

const thought = (said: string) => ({ text: said, thought: true });
const toCall = ({ name, arguments: args }: { name: string; arguments: string }) => ({
  functionCall: { name, args: parseObject(args) },
});

/** @param sent tokens so far, those of the reasoning included */
function toResponse({ answer, request, call }: Exchange, parts: object[], sent = 0, isLast: boolean): object {
  const finishReason = answer.stop === 'length' ? 'MAX_TOKENS' : 'STOP';
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(isLast && { finishReason }), index: 0 }],
    ...(answer.usage && { usageMetadata: toUsage(answer.usage, sent) }),
    modelVersion: request.model,
    responseId: call.id,
  };
}

/** The reasoning is no part of the candidates here. */
function toUsage(
  { prompt_tokens, cached_tokens, reasoning_tokens }: NonNullable<Exchange['answer']['usage']>,
  sent: number,
) {
  const thoughts = Math.min(sent, reasoning_tokens ?? 0);
  return {
    promptTokenCount: prompt_tokens,
    candidatesTokenCount: sent - thoughts,
    totalTokenCount: prompt_tokens + sent,
    ...(cached_tokens !== undefined && { cachedContentTokenCount: cached_tokens }),
    ...(reasoning_tokens !== undefined && { thoughtsTokenCount: thoughts }),
  };
}

/** Calls come whole, and the usage so far with every chunk. */
function stream(exchange: Exchange) {
  let sent = 0;
  const chunk = (parts: object[], isLast = false) => event(toResponse(exchange, parts, sent, isLast));
  return {
    ...EVENT_STREAM,
    start: () => '',
    piece: (piece: Piece) => {
      sent++;
      if (piece.type === 'reasoning') return chunk([thought(piece.text)]);
      if (piece.type === 'text') return chunk([{ text: piece.text }]);
      return piece.type === 'arguments' && piece.is_last ? chunk([toCall(piece.call)]) : '';
    },
    end: () => chunk([{ text: '' }], true),
  };
}
