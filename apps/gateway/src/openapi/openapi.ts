import type { OpenAPIObject } from '@nestjs/swagger';
import {
  domainEvents,
  permissions,
  publicMethods,
  type BoundMethod,
  type Field,
  type HeaderText,
  type PublicMethod,
} from '@taai/contracts';
import { pathNames, splitRoute, successStatus } from '../route/route';
import { failure, json, success } from './answers';
import { Components } from './components';
import { assertDescribed } from './example';
import { webhooks } from './webhooks';

type Paths = OpenAPIObject['paths'];
type Operation = NonNullable<Paths[string]['get']>;
type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;

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
      ...Object.entries(method.headers ?? {}).map(header),
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

/** With an example of ours, if `components` are given. */
function parameter({ name, schema, optional }: Field, inPath: readonly string[], components?: Components): Parameter {
  const { description, examples, ...rest } = schema;
  return {
    name,
    in: inPath.includes(name) ? 'path' : 'query',
    required: !optional,
    ...(description !== undefined && { description }),
    schema: rest,
    ...(components && { example: components.exampleOf({ examples, ...rest }, name) }),
  };
}

const header = ([name, { description, example }]: [string, HeaderText]): Parameter => ({
  name,
  in: 'header',
  description,
  schema: { type: 'string' },
  example,
});
