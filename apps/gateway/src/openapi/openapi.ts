import type { OpenAPIObject } from '@nestjs/swagger';
import { Nothing, publicMethods, problems, type BoundMethod, type PublicMethod, type Route } from '@taai/contracts';
import { dialects } from '@taai/dialects';
import { dialectOperation } from './dialect-operation';
import { SchemaCollector, type Field, type JsonSchema } from './json-schema';
import { pathNames, splitRoute, successStatus } from '../route/route';

type Paths = OpenAPIObject['paths'];
export type Operation = NonNullable<Paths[string]['get']>;
type Answer = Exclude<NonNullable<Operation['responses'][string]>, { $ref: string }>;
export type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;

const problem: JsonSchema = {
  type: 'object',
  description: 'RFC 9457 problem details',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(problems) },
    detail: { type: 'string' },
    request_id: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
        required: ['path', 'message'],
        additionalProperties: false,
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'detail', 'request_id'],
  additionalProperties: false,
};

const file: JsonSchema = { type: 'string', format: 'binary' };

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Makes a repetition within 24 hours answer what the first request was answered',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

/** The OpenAPI 3.1 document of every route, derived from the contracts and the dialects. */
export function openApiDocument(): OpenAPIObject {
  const collector = new SchemaCollector();
  const paths: Paths = {};
  const add = (route: Route, operation: Operation) => {
    const { verb, path } = splitRoute(route);
    const template = path.replace(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [verb.toLowerCase()]: operation };
  };
  for (const bound of publicMethods) add(bound.method.http, operation(bound, collector));
  for (const dialect of dialects) add(dialect.http, dialectOperation(dialect, collector.schemas));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Task Assistant AI',
      version: '1',
      description: 'Multi-tenant AI backend: agents, chat, tasks, usage and webhooks.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT or API key' } },
      schemas: {
        Problem: problem,
        ...Object.fromEntries(Object.entries(collector.schemas).sort(([a], [b]) => a.localeCompare(b))),
      },
    },
  };
}

function operation({ rpc, service, method }: BoundMethod<PublicMethod>, collector: SchemaCollector): Operation {
  const { verb } = splitRoute(method.http);
  const inPath = pathNames(method.http);
  const fields = collector.fields(method.input);
  const hasBody = verb !== 'GET' && verb !== 'DELETE' && fields.some(({ name }) => !inPath.includes(name));
  return {
    operationId: rpc,
    summary: method.summary,
    tags: [service],
    ...(method.access === 'public' && { security: [] }),
    ...(method.access.includes(':') && { 'x-permission': method.access }),
    parameters: [
      ...fields.filter(({ name }) => inPath.includes(name) || !hasBody).map((field) => parameter(field, inPath)),
      ...(method.effect === 'once_per_key' ? [idempotencyKey] : []),
    ],
    ...(hasBody && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: collector.object(method.input, inPath) },
        },
      },
    }),
    responses: {
      [successStatus(method)]: success(method, collector),
      default: failure,
    },
  };
}

const parameter = ({ name, schema, optional }: Field, inPath: readonly string[]): Parameter => ({
  name,
  in: inPath.includes(name) ? 'path' : 'query',
  required: !optional,
  schema,
});

const failure: Answer = {
  description: 'Problem',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function success(method: PublicMethod, collector: SchemaCollector): Answer {
  if (method.output === Nothing) return { description: 'Done' };
  if (method.media_type) return { description: 'Success', content: { [method.media_type]: { schema: file } } };
  const json = { 'application/json': { schema: collector.ref(method.output) } };
  return {
    description: 'Success',
    content: method.custom ? { ...json, 'text/event-stream': { schema: { type: 'string' } } } : json,
  };
}
