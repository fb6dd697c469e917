import type { OpenAPIObject } from '@nestjs/swagger';
import {
  ContentParts,
  domainEvents,
  permissions,
  publicMethods,
  wireFormats,
  type BoundMethod,
  type Field,
  type HeaderText,
  type JsonSchema,
  type PublicMethod,
  type Route,
  type SchemaCollector,
  type WireUse,
} from '@taai/contracts';
import { dialects } from '@taai/dialects';
import { pathNames, splitRoute, successStatus } from '../route/route';
import { failure, form, json, success } from './answers';
import { Components } from './components';
import { dialectOperation } from './dialect-operation';
import { assertDescribed } from './example';
import type { Operation, Parameter, Paths } from './openapi-types';
import { webhooks } from './webhooks';

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Makes a repetition within 24 hours answer what the first request was answered',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  example: '0198f0e2-9a41-7c55-b1d7-2f6f0e8c3a10',
};

const bodies = `Its own request body, useChat's or AG-UI's RunAgentInput, stands for ours then.`;

/** The format of a UI. */
const format = ({ question }: WireUse): Parameter => ({
  name: 'format',
  in: 'query',
  description: `Tells the events in a format of UIs, always as a stream; a media type in Accept asks for it as well.${question ? ` ${bodies}` : ''}`,
  schema: { type: 'string', enum: [...wireFormats] },
  example: wireFormats[0],
});

/** The OpenAPI 3.1 document of every route and event, derived from the contracts and the dialects. Throws for what is not described. */
export function openApiDocument(): OpenAPIObject & { 'x-permissions': object } {
  const components = new Components();
  const paths: Paths = {};
  const add = (route: Route, operation: Operation) => {
    const { verb, path } = splitRoute(route);
    const template = path.replace(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [verb.toLowerCase()]: operation };
  };
  for (const bound of publicMethods) add(bound.method.http, operation(bound, components));
  for (const dialect of dialects) add(dialect.http, dialectOperation(dialect, components.dialects));
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
  const collector = components.inputs;
  const fields = collector.fields(method.input);
  const hasBody = verb !== 'GET' && verb !== 'DELETE' && fields.some(({ name }) => !inPath.includes(name));
  assertDescribed(collector.object(method.input), rpc);
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
        .map((field) => parameter(field, inPath, components)),
      ...(method.effect === 'once_per_key' ? [idempotencyKey] : []),
      ...(method.wires ? [format(method.wires)] : []),
      ...Object.entries(method.headers ?? {}).map(header),
    ],
    ...(hasBody && {
      requestBody: {
        required:
          verb !== 'POST' ||
          method.upload === true ||
          fields.some(({ name, optional }) => !optional && !inPath.includes(name)),
        content: method.upload
          ? form(collector.object(method.input, inPath))
          : json(
              withParts(collector.object(method.input, inPath), method.wires, collector),
              `${rpc} input`,
              components,
            ),
      },
    }),
    responses: {
      [successStatus(method)]: success(bound, components),
      default: failure,
    },
  };
}

/** A text that may be content parts, too. */
function withParts(schema: JsonSchema, { question, files }: WireUse = {}, collector: SchemaCollector): JsonSchema {
  const text = question !== undefined && files !== undefined && schema.properties?.[question];
  const parts = collector.object(ContentParts).properties?.['content'];
  if (!text || !parts) return schema;
  const { description = '', examples = [], ...rules } = text;
  return {
    ...schema,
    properties: { ...schema.properties, [question]: { description, examples, anyOf: [rules, parts] } },
  };
}

function description({ rpc, method }: BoundMethod<PublicMethod>): { description?: string } {
  if (!method.description) throw new Error(`${rpc} has no description.`);
  const repetition = method.effect === 'idempotent' ? ' A repetition changes nothing more.' : '';
  return { description: method.description + repetition };
}

function parameter({ name, schema, optional }: Field, inPath: readonly string[], components: Components): Parameter {
  const { description, examples, ...rest } = schema;
  return {
    name,
    in: inPath.includes(name) ? 'path' : 'query',
    required: !optional,
    ...(description !== undefined && { description }),
    schema: rest,
    example: components.exampleOf({ examples, ...rest }, name),
  };
}

const header = ([name, { description, example }]: [string, HeaderText]): Parameter => ({
  name,
  in: 'header',
  description,
  schema: { type: 'string' },
  example,
});
