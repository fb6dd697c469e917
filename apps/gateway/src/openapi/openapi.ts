import type { OpenAPIObject } from '@nestjs/swagger';
import {
  domainEvents,
  Nothing,
  permissions,
  publicMethods,
  type BoundMethod,
  type Field,
  type JsonSchema,
  type PublicMethod,
} from '@taai/contracts';
import { pathNames, splitRoute, successStatus } from '../route/route';
import { Components } from './components';
import { sse } from './event-schemas';
import { assertDescribed } from './example';
import { webhooks } from './webhooks';

type Paths = OpenAPIObject['paths'];
type Operation = NonNullable<Paths[string]['get']>;
type Answer = Exclude<NonNullable<Operation['responses'][string]>, { $ref: string }>;
type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;

const file: JsonSchema = { type: 'string', format: 'binary' };

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Makes a repetition within 24 hours answer what the first request was answered',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  example: '0198f0e2-9a41-7c55-b1d7-2f6f0e8c3a10',
};

/** The OpenAPI 3.1 document of every route and event, derived from the contracts. Throws for what is not described. */
export function openApiDocument(): OpenAPIObject & { 'x-permissions': object } {
  const components = new Components();
  const paths: Paths = {};
  for (const bound of publicMethods) {
    const { verb, path } = splitRoute(bound.method.http);
    const template = path.replace(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [verb.toLowerCase()]: operation(bound, components) };
  }
  const received = webhooks(domainEvents, components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Task Assistant AI',
      version: '1',
      description: 'Multi-tenant AI backend: agents, chat, tasks, usage and webhooks.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    webhooks: received,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT or API key' } },
      schemas: components.all(),
    },
    'x-permissions': permissions,
  };
}

function operation(bound: BoundMethod<PublicMethod>, components: Components): Operation {
  const { rpc, service, method } = bound;
  const { verb } = splitRoute(method.http);
  const inPath = pathNames(method.http);
  const collector = method.openai ? components.openai : components.inputs;
  const input = method.openai?.input ?? method.input;
  const fields = collector.fields(input);
  const hasBody = verb !== 'GET' && verb !== 'DELETE' && fields.some(({ name }) => !inPath.includes(name));
  if (!method.openai) assertDescribed(collector.object(input), rpc);
  return {
    operationId: rpc,
    summary: method.summary,
    ...description(bound),
    tags: [service],
    ...(method.access === 'public' && { security: [] }),
    ...(method.access.includes(':') && { 'x-permission': method.access }),
    parameters: [
      ...fields
        .filter(({ name }) => inPath.includes(name) || !hasBody)
        .map((field) => parameter(field, inPath, method.openai ? undefined : components)),
      ...(verb === 'POST' && method.effect === 'once' && method.access !== 'public' && !method.openai
        ? [idempotencyKey]
        : []),
    ],
    ...(hasBody && {
      requestBody: {
        required: true,
        content: json(collector.object(input, inPath), method, `${rpc} input`, components),
      },
    }),
    responses: {
      [successStatus(method)]: success(bound, components),
      default: failure(method),
    },
  };
}

function description({ rpc, method }: BoundMethod<PublicMethod>): { description?: string } {
  if (method.openai) return {};
  if (!method.description) throw new Error(`${rpc} has no description.`);
  const repetition = method.effect === 'idempotent' ? ' A repetition changes nothing more.' : '';
  return { description: method.description + repetition };
}

function parameter({ name, schema, optional }: Field, inPath: readonly string[], components?: Components): Parameter {
  const { description, examples: _, ...rest } = schema;
  return {
    name,
    in: inPath.includes(name) ? 'path' : 'query',
    required: !optional,
    ...(description !== undefined && { description }),
    schema: rest,
    ...(components && { example: components.exampleOf(schema, name) }),
  };
}

/** JSON of the schema, with an example of ours. */
const json = (schema: JsonSchema, { openai }: PublicMethod, path: string, components: Components) => ({
  'application/json': { schema, ...(!openai && { example: components.exampleOf(schema, path) }) },
});

const failure = ({ openai }: PublicMethod): Answer => ({
  description: 'Problem',
  content: openai
    ? { 'application/json': { schema: { $ref: '#/components/schemas/OpenAiError' } } }
    : { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

function success({ rpc, method }: BoundMethod<PublicMethod>, components: Components): Answer {
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
