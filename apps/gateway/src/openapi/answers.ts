import {
  Nothing,
  wireFormats,
  wireMediaType,
  wireTexts,
  type BoundMethod,
  type JsonSchema,
  type PublicMethod,
  type WireFormat,
} from '@taai/contracts';
import type { Components } from './components';
import { sseOf } from './event-schemas';
import type { Answer } from './openapi-types';

const file: JsonSchema = { type: 'string', format: 'binary' };

/** A form of the schema's fields and one file. */
export const form = ({ properties, required = [], ...schema }: JsonSchema) => ({
  'multipart/form-data': {
    schema: {
      ...schema,
      properties: { file: { ...file, description: 'The file.' }, ...properties },
      required: ['file', ...required],
    },
  },
});

/** JSON of the schema, with an example of ours. */
export const json = (schema: JsonSchema, path: string, components: Components) => ({
  'application/json': { schema, example: components.exampleOf(schema, path) },
});

export const failure: Answer = {
  description: 'Problem',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

export function success({ rpc, method }: BoundMethod<PublicMethod>, components: Components): Answer {
  if (method.output === Nothing) return { description: 'Done' };
  if (method.file_types) return answer(Object.fromEntries(method.file_types.map((type) => [type, { schema: file }])));
  if (method.media_type && method.media_type !== 'text/event-stream')
    return answer({ [method.media_type]: { schema: file } });
  if (method.media_type) return answer(stream(method, components));
  const whole = json(components.outputs.ref(method.output), rpc, components);
  return answer({ ...whole, ...stream(method, components) });
}

const answer = (content: Answer['content']): Answer => ({ description: 'Success', content });

/** The schema of a stream is that of each of its events. */
function stream({ events, wires }: PublicMethod, components: Components): Answer['content'] {
  if (!events) return {};
  const schema = components.union(events, sseOf(events));
  const own = { 'text/event-stream': { schema, example: components.exampleOf(schema, events.name) } };
  return wires ? { ...own, ...Object.fromEntries(wireFormats.map(inFormat)) } : own;
}

/** A stream in a format of UIs, which others describe. */
function inFormat(format: WireFormat) {
  const { description, example } = wireTexts[format];
  return [wireMediaType(format), { schema: { type: 'string', description }, example }] as const;
}
