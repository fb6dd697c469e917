import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

/** A parsed body. Its shape is checked against docs/openapi.json, not by the compiler. */
export type Json = ReturnType<typeof JSON.parse>;

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: object;
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

/** Throws unless the answer is what docs/openapi.json says of the route: services' JSON passes the gateway unparsed. */
function checkAgainstDocument(method: string, path: string, status: number, type: string, body: unknown): void {
  const { pathname } = new URL(path, 'http://gateway');
  const route = routes.find(({ pattern, operations }) => pattern.test(pathname) && operations[method.toLowerCase()]);
  if (!route) return;
  const { responses } = route.operations[method.toLowerCase()] as Operation;
  const response = responses[String(status)] ?? (status >= 400 ? responses['default'] : undefined);
  if (!response)
    throw new Error(`${method} ${route.template} answered ${status}, which docs/openapi.json does not know.`);
  const schema = response.content?.[type]?.schema;
  if (!schema) {
    if (body !== undefined)
      throw new Error(`${method} ${route.template} answered a body of ${type} that is not documented.`);
    return;
  }
  const validate = validator(`${method} ${route.template} ${status} ${type}`, schema);
  if (!validate(body)) {
    throw new Error(`${method} ${route.template} ${status} is not as documented: ${ajv.errorsText(validate.errors)}`);
  }
}

export interface Answer<T = Json> {
  status: number;
  headers: Headers;
  body: T;
}

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Speaks to a gateway as a client would, and checks every JSON answer against docs/openapi.json. */
export class Client {
  constructor(
    readonly baseUrl: string,
    readonly token?: string,
  ) {}

  withToken(token: string): Client {
    return new Client(this.baseUrl, token);
  }

  at(baseUrl: string): Client {
    return new Client(baseUrl, this.token);
  }

  fetch(method: string, path: string, { body, headers, signal }: RequestOptions = {}): Promise<Response> {
    return fetch(this.baseUrl + path, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      signal: signal ?? AbortSignal.timeout(60_000),
    });
  }

  async request<T = Json>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const response = await this.fetch(method, path, options);
    const text = await response.text();
    const type = (response.headers.get('content-type') ?? '').split(';')[0] as string;
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.status !== 202) checkAgainstDocument(method, path, response.status, type, body);
    return { status: response.status, headers: response.headers, body: body as T };
  }

  get = <T = Json>(path: string, options?: RequestOptions) => this.request<T>('GET', path, options);
  post = <T = Json>(path: string, body?: unknown, options?: RequestOptions) =>
    this.request<T>('POST', path, { ...options, body });
  put = <T = Json>(path: string, body?: unknown) => this.request<T>('PUT', path, { body });
  patch = <T = Json>(path: string, body?: unknown) => this.request<T>('PATCH', path, { body });
  delete = <T = Json>(path: string) => this.request<T>('DELETE', path);
}
