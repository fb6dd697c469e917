import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

interface Union {
  discriminator: { propertyName: string; mapping: Record<string, string> };
}

/** Clients must bear fields that they do not know; here each field must be documented: schemas of objects are closed. */
const close = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'properties' in value && 'required' in value
    ? { additionalProperties: false, ...value }
    : value;

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8'), close) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<'RunEvent' | 'ConversationEvent' | 'SharedEvent' | 'DomainEvent', Union> };
};

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: 'openapi', components: document.components });

const routes = Object.entries(document.paths).map(([template, operations]) => ({
  template,
  pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`),
  operations,
}));

const validators = new Map<string, ValidateFunction>();

function validator(key: string, schema: object): ValidateFunction {
  const known = validators.get(key);
  if (known) return known;
  const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/')) as object;
  const compiled = ajv.compile(local);
  validators.set(key, compiled);
  return compiled;
}

function check(key: string, schema: object, value: unknown): void {
  const validate = validator(key, schema);
  if (!validate(value)) throw new Error(`${key} is not as documented: ${ajv.errorsText(validate.errors)}`);
}

/** Throws unless the answer is what docs/openapi.json says of the route: services' JSON passes the gateway unparsed. */
export function checkAnswer(method: string, path: string, status: number, type: string, body: unknown): void {
  const { pathname } = new URL(path, 'http://gateway');
  const route = routes.find(({ pattern, operations }) => pattern.test(pathname) && operations[method.toLowerCase()]);
  if (!route) return;
  const { responses } = route.operations[method.toLowerCase()] as Operation;
  const response = responses[String(status)] ?? (status >= 400 ? responses['default'] : undefined);
  if (!response)
    throw new Error(`${method} ${route.template} answered ${status}, which docs/openapi.json does not know.`);
  const schema = response.content?.[type]?.schema;
  if (schema) check(`${method} ${route.template} ${status} ${type}`, schema, body);
  else if (body !== undefined)
    throw new Error(`${method} ${route.template} answered a body of ${type} that is not documented.`);
}

/** Throws unless the event is one of the union, as docs/openapi.json says of its type. */
export function checkEvent(
  union: 'RunEvent' | 'ConversationEvent' | 'SharedEvent' | 'DomainEvent',
  event: object,
): void {
  const { propertyName, mapping } = document.components.schemas[union].discriminator;
  const type = String(Reflect.get(event, propertyName));
  const $ref = mapping[type];
  if (!$ref) throw new Error(`${type} is no documented ${union}.`);
  check(`${union} ${type}`, { $ref }, event);
}
