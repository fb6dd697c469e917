import type { EmbeddingCall } from '@taai/contracts';
import type { RequestShape } from '../dialect';
import { model } from '../openai-chat/request';
import { present, reader } from '../reader';
import { described, either, integer, list, object, oneOf, text } from '../schema';

const MAX_INPUTS = 2048;
const input = text({ minLength: 1 });

const schema = object(
  {
    model,
    input: described(
      'A text, or several: no tokens.',
      either(input, list(input, { minItems: 1, maxItems: MAX_INPUTS })),
    ),
  },
  {
    dimensions: integer({ minimum: 1, maximum: 10_000 }),
    encoding_format: described('`float` if absent.', oneOf('float', 'base64')),
  },
);

const readBody = reader(schema);

/** Texts of which vectors are made. Fields that it does not know are ignored. */
export const embeddingsRequest: RequestShape<EmbeddingCall> = {
  schema,
  read(body) {
    const { model, input, dimensions, encoding_format } = readBody(body);
    return { model, input: [input].flat(), ...present({ dimensions }), encoding: encoding_format ?? 'float' };
  },
};
