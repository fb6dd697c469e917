import type { OpenAPIObject } from '@nestjs/swagger';
import type { JsonSchema } from '@taai/contracts';
import { routeOf, type Dialect, type Schema } from '@taai/dialects';
import { pathNames, splitRoute } from '../route/route';

export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
export type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;

/** Schemas of the document, by name. */
type Schemas = Record<string, JsonSchema>;

/** The route of a dialect, in the schemas that it reads and writes by. Those with a title are put into `schemas`. */
export function dialectOperation(dialect: Dialect, schemas: Schemas): Operation & { 'x-permission': string } {
  const { request, reply, error, kind } = dialect;
  const { rpc, service, method } = routeOf(dialect);
  const jsonOf = (schema: Schema) => ({ 'application/json': { schema: collected(schema, schemas) } });
  const answer = jsonOf(reply.schema);
  const isRead = splitRoute(method.http).verb === 'GET';
  return {
    operationId: rpc,
    summary: method.summary,
    tags: [service],
    'x-permission': method.access,
    parameters: isRead ? parametersOf(dialect) : [],
    ...(!isRead && { requestBody: { required: true, content: jsonOf(request.schema) } }),
    responses: {
      200: {
        description: 'Success',
        content: kind === 'chat' ? { ...answer, 'text/event-stream': { schema: { type: 'string' } } } : answer,
      },
      default: { description: 'Problem', content: jsonOf(error.schema) },
    },
  };
}

const parametersOf = ({ http, request: { schema } }: Dialect): Parameter[] =>
  Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    in: pathNames(http).includes(name) ? 'path' : 'query',
    required: (schema.required ?? []).includes(name),
    schema: field,
  }));

/** The schema, or a reference to it if it has a title. */
function collected({ title, ...schema }: Schema, schemas: Schemas): JsonSchema {
  const all = (parts: Schema[]) => parts.map((part) => collected(part, schemas));
  const { properties, items, anyOf, oneOf, ...flat } = schema;
  const whole: JsonSchema = {
    ...flat,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, collected(field, schemas)]),
      ),
    }),
    ...(items && { items: collected(items, schemas) }),
    ...(anyOf && { anyOf: all(anyOf) }),
    ...(oneOf && { oneOf: all(oneOf) }),
  };
  if (title === undefined) return whole;
  schemas[title] = whole;
  return { $ref: `#/components/schemas/${title}` };
}
