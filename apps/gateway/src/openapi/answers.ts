import type { OpenAPIObject } from '@nestjs/swagger';
import { Nothing, type BoundMethod, type JsonSchema, type PublicMethod } from '@taai/contracts';
import type { Components } from './components';
import { sse } from './event-schemas';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Answer = Exclude<NonNullable<Operation['responses'][string]>, { $ref: string }>;

const file: JsonSchema = { type: 'string', format: 'binary' };

/** JSON of the schema, with an example of ours. */
export const json = (schema: JsonSchema, { openai }: PublicMethod, path: string, components: Components) => ({
  'application/json': { schema, ...(!openai && { example: components.exampleOf(schema, path) }) },
});

export const failure = ({ openai }: PublicMethod): Answer => ({
  description: 'Problem',
  content: openai
    ? { 'application/json': { schema: { $ref: '#/components/schemas/OpenAiError' } } }
    : { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

export function success({ rpc, method }: BoundMethod<PublicMethod>, components: Components): Answer {
  if (method.output === Nothing) return { description: 'Done' };
  if (method.media_type === 'application/gzip') return answer({ [method.media_type]: { schema: file } });
  if (method.media_type) return answer(stream(method, components));
  const collector = method.openai ? components.openai : components.outputs;
  const whole = json(collector.ref(method.openai?.output ?? method.output), method, rpc, components);
  return answer({ ...whole, ...stream(method, components) });
}

const answer = (content: Answer['content']): Answer => ({ description: 'Success', content });

/** The schema of a stream is that of each of its events. */
function stream({ events, openai, custom, ...method }: PublicMethod, components: Components): Answer['content'] {
  if (openai && custom && !method.stream) return { 'text/event-stream': { schema: { type: 'string' } } };
  if (!events) return {};
  const schema = components.union(events, sse);
  return { 'text/event-stream': { schema, example: components.exampleOf(schema, events.name) } };
}
