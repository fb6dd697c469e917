import { checkAnswer } from './api-document';

/** A parsed body. Its shape is checked against docs/openapi.json, not by the compiler. */
export type Json = ReturnType<typeof JSON.parse>;

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
        ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' || body instanceof FormData ? body : JSON.stringify(body),
      signal: signal ?? AbortSignal.timeout(60_000),
    });
  }

  async request<T = Json>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const response = await this.fetch(method, path, options);
    const text = await response.text();
    const type = (response.headers.get('content-type') ?? '').split(';')[0] as string;
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.status !== 202) checkAnswer(method, path, response.status, type, body);
    return { status: response.status, headers: response.headers, body: body as T };
  }

  get = <T = Json>(path: string, options?: RequestOptions) => this.request<T>('GET', path, options);
  post = <T = Json>(path: string, body?: unknown, options?: RequestOptions) =>
    this.request<T>('POST', path, { ...options, body });
  put = <T = Json>(path: string, body?: unknown) => this.request<T>('PUT', path, { body });
  patch = <T = Json>(path: string, body?: unknown) => this.request<T>('PATCH', path, { body });
  delete = <T = Json>(path: string) => this.request<T>('DELETE', path);
}
