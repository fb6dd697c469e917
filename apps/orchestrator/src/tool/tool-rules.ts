import {
  invalidFields,
  limits,
  schemaErrors,
  type FieldError,
  type HttpToolConfig,
  type ToolKind,
} from '@taai/contracts';
import { Ajv, type ValidateFunction } from 'ajv';
import { builtins } from './builtin/registry';
import { argumentsIn, sampleUrl, urlProblem } from './http/http-template';
import { schemaFault } from './tool-schema';

/** A tool as it would be stored. */
export interface ToolDraft {
  kind: ToolKind;
  description?: string;
  config: Record<string, unknown>;
  /** Only HTTP tools have one of their own. */
  input_schema?: Record<string, unknown>;
  secret_headers?: Record<string, string> | null;
}

const ajv = new Ajv({ allErrors: true });

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;
const number = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum }) as const;
const texts = (maxProperties: number) =>
  ({
    type: 'object',
    maxProperties,
    additionalProperties: { type: 'string', maxLength: limits.toolHeaderCharacters },
  }) as const;
const object = <T>(required: string[], properties: object) =>
  ajv.compile<T>({ type: 'object', properties, required, additionalProperties: false });

const url = text(limits.addressCharacters);
const timeout_ms = number(limits.minToolTimeoutMs, limits.toolTimeoutMs);

const isHttpConfig = object<HttpToolConfig>(['method', 'url'], {
  method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] satisfies HttpToolConfig['method'][] },
  url,
  query: texts(limits.toolQueryParameters),
  headers: texts(limits.toolHeaders),
  body: {},
  timeout_ms,
  max_bytes: number(1, limits.toolAnswerBytes),
  idempotent: { type: 'boolean' },
});

const configs: Record<ToolKind, ValidateFunction> = {
  builtin: object(['builtin'], { builtin: { enum: [...builtins.keys()] } }),
  http: isHttpConfig,
  mcp: object(['url'], { url, tool: text(limits.mcpToolNameCharacters), timeout_ms }),
};

const isSecretHeaders = ajv.compile(texts(limits.toolSecretHeaders));

/** Headers that make a request what it is: the client sets them. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept-encoding|idempotency-key|mcp-.*)$/i;
const CONFIDENTIAL = /authorization|cookie|token|secret|password|api[-_]?key/i;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]+$/;

/** Throws `validation_failed` with all that keeps the tool from working. Addresses are not looked at. */
export async function assertTool(tool: ToolDraft): Promise<void> {
  const errors = [...configErrors(tool), ...secretErrors(tool), ...(await inputSchemaErrors(tool))];
  if (errors.length === 0) errors.push(...requestErrors(tool));
  if (errors.length === 0) return;
  throw invalidFields(errors);
}

/** The server's address, with `x` for each argument; undefined for tools without a server. */
export function addressOf({ config }: Pick<ToolDraft, 'config'>): string | undefined {
  return typeof config['url'] === 'string' ? sampleUrl(config['url']) : undefined;
}

function configErrors({ kind, config }: ToolDraft): FieldError[] {
  const validate = configs[kind];
  return validate(config) ? [] : schemaErrors(validate.errors ?? [], 'config');
}

function secretErrors({ kind, secret_headers }: ToolDraft): FieldError[] {
  if (!secret_headers) return [];
  if (kind === 'builtin') return [refusal('secret_headers', 'must be absent: a builtin tool sends no headers')];
  if (!isSecretHeaders(secret_headers)) return schemaErrors(isSecretHeaders.errors ?? [], 'secret_headers');
  return Object.entries(secret_headers).flatMap(([name, value]) => [
    ...nameErrors(`secret_headers.${name}`, name),
    ...(HEADER_VALUE.test(value) ? [] : [refusal(`secret_headers.${name}`, 'must be ASCII without line breaks')]),
  ]);
}

async function inputSchemaErrors({ kind, description, input_schema }: ToolDraft): Promise<FieldError[]> {
  if (kind !== 'http')
    return input_schema ? [refusal('input_schema', `must be absent: ${kind} tools bring their own`)] : [];
  const errors = description ? [] : [refusal('description', 'must tell the model what the tool does')];
  if (!input_schema) return [...errors, refusal('input_schema', 'must be the JSON schema of the arguments')];
  const fault = await schemaFault(input_schema);
  return fault === undefined ? errors : [...errors, refusal('input_schema', fault)];
}

/** What is wrong with an HTTP tool's request, once its config has the right fields. */
function requestErrors({ kind, config, input_schema = {} }: ToolDraft): FieldError[] {
  if (kind !== 'http' || !isHttpConfig(config)) return [];
  const { method, url, headers = {}, body } = config;
  const problem = urlProblem(url);
  return [
    ...(problem === undefined ? [] : [refusal('config.url', problem)]),
    ...Object.keys(headers).flatMap((name) => [
      ...nameErrors(`config.headers.${name}`, name),
      ...(CONFIDENTIAL.test(name) ? [refusal(`config.headers.${name}`, 'belongs into secret_headers')] : []),
    ]),
    ...(body !== undefined && (method === 'GET' || method === 'HEAD')
      ? [refusal('config.body', `must be absent: ${method} has none`)]
      : []),
    ...unknownArguments(config, input_schema),
  ];
}

function unknownArguments(config: object, { properties = {} }: { properties?: unknown }): FieldError[] {
  const known = Object.keys(Object(properties) as object);
  const unknown = argumentsIn(config).filter((name) => !known.includes(name));
  return unknown.map((name) => refusal('config', `names {{${name}}}, which is no argument in input_schema`));
}

const nameErrors = (path: string, name: string): FieldError[] =>
  HEADER_NAME.test(name) && !RESERVED.test(name) ? [] : [refusal(path, 'is no header that a tool can set')];

const refusal = (path: string, message: string): FieldError => ({ path, message });
