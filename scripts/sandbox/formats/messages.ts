import { ApiError } from '../api-error.ts';
import type { EmbeddingRequest, Tool } from '../chat.ts';
import { list, record, text, type Json } from '../json.ts';

/** @throws ApiError when a request names no model */
export function readModel(model: unknown): string {
  if (typeof model !== 'string') throw new ApiError(400, 'You must provide a model.', { param: 'model' });
  return model;
}

/**
 * What was said, oldest first.
 *
 * @param param what the format calls it
 * @throws ApiError when there is nothing, or something has no role
 */
export function readMessages(sent: unknown, param: string): (Json & { role: string })[] {
  const messages = list(sent).map(record);
  if (messages.length === 0) throw new ApiError(400, 'You must provide at least one message.', { param });
  return messages.map((message, index) => {
    if (!text(message.role))
      throw new ApiError(400, 'A message must have a role.', { param: `${param}.${index}.role` });
    return { ...message, role: text(message.role) };
  });
}

/** Tools as OpenAI describes them, and others after it. */
export const readFunctions = (tools: unknown): Tool[] =>
  list(tools).map((tool) => {
    const { name, parameters } = record(record(tool).function);
    return { name: text(name), schema: record(parameters) };
  });

/** @throws ApiError when there is nothing to embed */
export function readEmbedding({ model, input, dimensions, encoding_format }: Json): EmbeddingRequest {
  const texts = typeof input === 'string' ? [input] : list(input).map(text);
  if (texts.length === 0) throw new ApiError(400, 'You must provide an input.', { param: 'input' });
  return {
    model: readModel(model),
    input: texts,
    ...(typeof dimensions === 'number' && { dimensions }),
    base64: encoding_format === 'base64',
  };
}
