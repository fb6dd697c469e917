import { invalidField, ProblemError, type CompletionCall, type EmbeddingCall } from '@taai/contracts';
import {
  isAbsent,
  listAt,
  objectAt,
  oneOf,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  textAt,
  type Fields,
} from './fields';
import { readMessages } from './message-reader';
import { readTools } from './tool-reader';

const MAX_OUTPUT_TOKENS = 1_000_000;
const MAX_STOPS = 4;
const MAX_USER = 512;
const MAX_INPUTS = 2048;
const MAX_DIMENSIONS = 10_000;
const MODEL = /^[\x20-\x7e]{1,300}$/;
const efforts = ['minimal', 'low', 'medium', 'high'] as const;

export interface ChatOrder {
  call: CompletionCall;
  stream: boolean;
  include_usage: boolean;
}

/**
 * Reads the body of a chat completion. Fields that it does not know are ignored, since OpenAI's clients send whatever OpenAI adds.
 * Throws `validation_failed` with the path of what is wrong.
 */
export function readChat(value: unknown): ChatOrder {
  const body = bodyOf(value);
  const stream = optionalBoolean(body, 'stream') ?? false;
  const options = isAbsent(body['stream_options']) ? {} : objectAt(body['stream_options'], 'stream_options');
  if (!isAbsent(body['n']) && body['n'] !== 1) throw invalidField('n', 'must be 1: ask again for another answer.');
  const call = {
    model: readModel(body),
    messages: readMessages(body['messages']),
    ...readSampling(body),
    ...readTools(body),
  };
  return { call, stream, include_usage: optionalBoolean(options, 'include_usage') ?? false };
}

export function readEmbedding(value: unknown): EmbeddingCall {
  const body = bodyOf(value);
  return {
    model: readModel(body),
    input: readInputs(body['input']),
    dimensions: optionalInteger(body, 'dimensions', 1, MAX_DIMENSIONS),
    encoding: isAbsent(body['encoding_format'])
      ? 'float'
      : oneOf(body['encoding_format'], 'encoding_format', ['float', 'base64']),
  };
}

function bodyOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProblemError('malformed_request', 'The body must be a JSON object.');
  return value as Fields;
}

function readModel({ model }: Fields): string {
  if (isAbsent(model)) throw invalidField('model', 'is missing: name a provider/model or an agent:slug.');
  if (typeof model !== 'string' || !MODEL.test(model))
    throw invalidField('model', 'must be provider/model or agent:slug.');
  return model;
}

function readSampling(body: Fields): Partial<CompletionCall> {
  const limit = isAbsent(body['max_completion_tokens']) ? 'max_tokens' : 'max_completion_tokens';
  const { reasoning_effort: effort, user } = body;
  return {
    temperature: optionalNumber(body, 'temperature', 0, 2),
    top_p: optionalNumber(body, 'top_p', 0, 1),
    max_output_tokens: optionalInteger(body, limit, 1, MAX_OUTPUT_TOKENS),
    stop: readStop(body['stop']),
    seed: optionalInteger(body, 'seed', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    frequency_penalty: optionalNumber(body, 'frequency_penalty', -2, 2),
    presence_penalty: optionalNumber(body, 'presence_penalty', -2, 2),
    reasoning_effort: isAbsent(effort) ? undefined : oneOf(effort, 'reasoning_effort', efforts),
    user: isAbsent(user) ? undefined : textAt(user, 'user', MAX_USER),
  };
}

function readStop(value: unknown): string[] | undefined {
  if (isAbsent(value)) return undefined;
  const stops = typeof value === 'string' ? [value] : listAt(value, 'stop', MAX_STOPS);
  const texts = stops.map((stop, index) => textAt(stop, `stop[${index}]`));
  return texts.length > 0 ? texts : undefined;
}

function readInputs(value: unknown): string[] {
  const inputs = typeof value === 'string' ? [value] : listAt(value, 'input', MAX_INPUTS);
  if (inputs.length === 0) throw invalidField('input', 'must not be empty.');
  return inputs.map((input, index) => readInput(input, `input[${index}]`));
}

function readInput(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalidField(path, 'must be text: tokens are not supported.');
  if (value === '') throw invalidField(path, 'must not be empty.');
  return value;
}
