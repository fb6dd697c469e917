const timeoutMs = 60_000;

/** An answer other than 2xx: its status, and what the problem+json says. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, request: string, body: string) {
    super(`${request} was answered with ${status}: ${body.slice(0, 1_000)}`);
    this.status = status;
  }
}

function itemsOf(page: unknown): readonly unknown[] {
  const items = read(page, 'data');
  return Array.isArray(items) ? items : [];
}

/** A client of the public HTTP API. */
export class Api {
  private readonly baseUrl: string;
  private readonly token: string | undefined;

  constructor(baseUrl: string, token?: string) {
    this.baseUrl = baseUrl;
    this.token = token;
  }

  as(token: string): Api {
    return new Api(this.baseUrl, token);
  }

  /** @throws ApiError on any answer but 2xx. */
  async send(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: {
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw new ApiError(response.status, `${method} ${path}`, await response.text());
    return response;
  }

  /** The answer's JSON; undefined when it has no body. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const text = await (await this.send(method, path, body)).text();
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }

  /** The first item of a list that `matches`, page by page. */
  async find(path: string, matches: (item: unknown) => boolean): Promise<unknown> {
    let cursor: unknown;
    do {
      const query = new URLSearchParams({ limit: '100', ...(typeof cursor === 'string' ? { cursor } : {}) });
      const page = await this.call('GET', `${path}?${query.toString()}`);
      const found = itemsOf(page).find(matches);
      if (found !== undefined) return found;
      cursor = read(page, 'next_cursor');
    } while (typeof cursor === 'string');
    return undefined;
  }
}

/** A property of what the API answered; undefined when there is none. */
export function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** A text that the API must have answered with. */
export function readText(value: unknown, name: string): string {
  const text = read(value, name);
  if (typeof text !== 'string') throw new Error(`The API answered without the text ${name}.`);
  return text;
}
