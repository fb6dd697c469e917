import { bodyLimitsOf, ProblemError } from '@taai/contracts';
import { requestLog } from '@taai/platform';
import { getMetadataStorage } from 'class-validator';
import type { InjectOptions } from 'fastify';
import {
  hostileBodies,
  hostileHeaders,
  hostileIds,
  hostileQueries,
  hostileRoutes,
  ID,
  type HostileRoute,
} from './hostile.testing';
import { bearer, startEdge, type TestEdge } from './http.testing';

/** Bytes of a body: as many as every route takes. */
const SIZE = 60_000;
/** Bytes of an answer, however much is wrong. */
const MAX_ANSWER = 20_000;
/** Objects that the rules are run over for one request: the input, and what its longest list holds. */
const MAX_VALIDATED = 15;

const nobody = () => Promise.reject(new ProblemError('not_found'));
const methods = Object.fromEntries(
  ['send', 'regenerate', 'start', 'chat', 'models', 'model', 'archive', 'export', 'outcome'].map((name) => [
    name,
    nobody,
  ]),
);

/** How many keys and items a value has, those within others included. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, child) => sum + 1 + sizeOf(child), 0);
}

const routes = hostileRoutes().map((route) => [route.bound.method.http, route] as const);

describe('what nobody means well', () => {
  let edge: TestEdge;
  let validated: jest.SpyInstance;
  let parsed: jest.SpyInstance;

  beforeAll(async () => {
    jest.spyOn(requestLog, 'info').mockReturnValue();
    async function* stream(): AsyncGenerator<string> {
      yield await nobody();
    }
    edge = await startEdge({}, { call: nobody, methods, stream });
    validated = jest.spyOn(getMetadataStorage(), 'getTargetValidationMetadatas');
    parsed = jest.spyOn(JSON, 'parse');
  });

  afterAll(() => edge.close());

  /** Sends it, and says what should not have come of it. */
  async function faultOf({ bound }: HostileRoute, request: InjectOptions): Promise<string[]> {
    validated.mockClear();
    parsed.mockClear();
    const { statusCode, rawPayload } = await edge.inject(request);
    const read: unknown[] = parsed.mock.results.map((result) => result.value as unknown);
    return [
      ...(statusCode >= 400 && statusCode < 500 ? [] : [`status ${statusCode}`]),
      ...(rawPayload.length <= MAX_ANSWER ? [] : [`${rawPayload.length} bytes of answer`]),
      ...(validated.mock.calls.length <= MAX_VALIDATED ? [] : [`${validated.mock.calls.length} objects validated`]),
      ...(sizeOf(read) <= bodyLimitsOf(bound).values + 10 ? [] : [`${sizeOf(read)} keys and items read`]),
    ];
  }

  /** All that should not have come of the requests, by their names. */
  async function faultsOf(route: HostileRoute, requests: [string, Partial<InjectOptions>][]): Promise<string[]> {
    const faults: string[] = [];
    for (const [name, request] of requests) {
      const { verb, path } = route;
      const method = verb as 'GET';
      const sent = { method, url: path, ...request, headers: { ...bearer, ...request.headers } };
      for (const fault of await faultOf(route, sent)) faults.push(`${name}: ${fault}`);
    }
    return faults;
  }

  const json = { 'content-type': 'application/json' };

  it.each(routes.filter(([, { takesBody }]) => takesBody))('is refused in the body of %s', async (_, route) => {
    const requests = hostileBodies(route, SIZE).map(([name, payload]): [string, Partial<InjectOptions>] => [
      name,
      { payload, headers: json },
    ]);
    const { bytes } = bodyLimitsOf(route.bound);
    requests.push(['too much', { payload: ' '.repeat(bytes + 1), headers: json }]);
    expect(await faultsOf(route, requests)).toEqual([]);
  });

  it.each(routes)('is refused around %s', async (_, route) => {
    const { path } = route;
    const paths = path.includes(ID) ? hostileIds.map((id) => path.replace(ID, id)) : [];
    expect(
      await faultsOf(route, [
        ...paths.map((url): [string, Partial<InjectOptions>] => [url, { url }]),
        ...hostileQueries(route).map(([name, query]): [string, Partial<InjectOptions>] => [
          name,
          { url: `${path}?${query}` },
        ]),
      ]),
    ).toEqual([]);
  });

  it.each(routes)('is refused in the headers of %s, or of no effect', async (_, route) => {
    const requests = hostileHeaders.map(([name, value]): [string, Partial<InjectOptions>] => [
      name,
      { headers: { [name]: value } },
    ]);
    const faults = await faultsOf(route, requests);
    // No service answers here, but the gateway itself does.
    expect(faults.filter((fault) => !fault.endsWith(': status 200'))).toEqual([]);
  });
});
