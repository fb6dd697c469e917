import {
  Empty,
  ProblemError,
  type DeniedEntry,
  type PublicMethod,
  type ReportDenied,
  type Route,
} from '@taai/contracts';
import { log, RpcClient } from '@taai/platform';
import { currentCaller, runInContext, type Caller } from '@taai/tenant';
import { fastify } from 'fastify';
import { DeniedAccess } from './denied-access';

const NOON = Date.parse('2026-01-31T12:00:30Z');
const ada: Caller = { tenant_id: 'acme', user_id: 'ada', permissions: [], issuer: 'gateway' };
const method = (http: Route): PublicMethod => ({
  http,
  access: 'providers:read',
  summary: '',
  input: Empty,
  output: Empty,
  effect: 'safe',
});
let sent: DeniedEntry[][];
let refusal: Error | undefined;
let denied: DeniedAccess;

beforeEach(() => {
  jest.useFakeTimers({ now: NOON });
  [sent, refusal] = [[], undefined];
  const rpc = Object.assign(Object.create(RpcClient.prototype) as RpcClient, {
    for: () => ({
      denied: async ({ entries }: ReportDenied) => {
        expect(currentCaller()).toMatchObject({ issuer: 'gateway', permissions: [] });
        sent.push(structuredClone(entries));
        if (refusal) throw refusal;
      },
    }),
  });
  denied = new DeniedAccess(rpc);
  denied.onApplicationBootstrap();
});
afterEach(async () => {
  await denied.onApplicationShutdown();
  jest.useRealTimers();
});

const deny = (caller = ada, route = method('GET /v1/providers')) => denied.count(caller, route);
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

it('makes one entry of the refusals of a caller at a route in a minute, when it is over', async () => {
  for (let n = 0; n < 7; n += 1) deny();
  await pass(29_000);
  expect(sent).toEqual([]);
  await pass(11_000);
  expect(sent).toEqual([
    [
      {
        id: expect.stringMatching(/^[\da-f-]{14}7/),
        tenant_id: 'acme',
        actor_type: 'user',
        actor_id: 'ada',
        route: 'GET /v1/providers',
        access: 'providers:read',
        count: 7,
        minute: '2026-01-31T12:00:00.000Z',
      },
    ],
  ]);
  await pass(120_000);
  expect(sent).toHaveLength(1);
});

it('keeps callers, routes and minutes apart', async () => {
  deny();
  deny({ ...ada, tenant_id: 'other' });
  deny({ ...ada, api_key_id: 'key' });
  deny(ada, method('POST /v1/providers'));
  await pass(60_000);
  deny();
  await pass(60_000);
  expect(sent.map((entries) => entries.length)).toEqual([4, 1]);
  expect(sent[0]?.map(({ actor_type }) => actor_type)).toEqual(['user', 'user', 'api_key', 'user']);
});

it('counts answers of 403 to known callers at routes of contracts, and no others', async () => {
  jest.useRealTimers();
  const app = fastify();
  app.addHook('onRequest', ({ headers }, _, done) =>
    runInContext({ request_id: 'r', ...(headers['x-known'] && { caller: ada }) }, done),
  );
  denied.listen(app);
  const bound = { rpc: 'provider.list', service: 'orchestrator' as const, method: method('GET /v1/providers') };
  app.get('/v1/providers', { config: { bound } }, ({ headers }, reply) =>
    reply.status(Number(headers['x-status'])).send(),
  );
  app.get('/elsewhere', (_, reply) => reply.status(403).send());
  const ask = (method: 'GET' | 'HEAD', url: string, headers: Record<string, string>) =>
    app.inject({ method, url, headers });
  await ask('GET', '/v1/providers', { 'x-known': 'yes', 'x-status': '403' });
  await ask('HEAD', '/v1/providers', { 'x-known': 'yes', 'x-status': '403' });
  await ask('GET', '/v1/providers', { 'x-known': 'yes', 'x-status': '401' });
  await ask('GET', '/v1/providers', { 'x-status': '403' });
  await ask('GET', '/elsewhere', { 'x-known': 'yes' });
  await denied.onApplicationShutdown();
  expect(sent.flat()).toMatchObject([{ route: 'GET /v1/providers', access: 'providers:read', count: 2 }]);
});

it('holds 500 counts of a tenant, so that others are still counted', async () => {
  const error = jest.spyOn(log, 'error').mockReturnValue();
  for (let n = 0; n < 501; n += 1) deny({ ...ada, user_id: `user-${n}` });
  deny({ ...ada, tenant_id: 'other' });
  await pass(60_000);
  expect(sent.flat()).toHaveLength(501);
  expect(error).toHaveBeenCalledWith({ requests: 1 }, expect.any(String));
  deny();
  await pass(60_000);
  expect(sent.flat()).toHaveLength(502);
});

it('sends again, under the same ids, what auth did not take', async () => {
  const warn = jest.spyOn(log, 'warn').mockReturnValue();
  refusal = new ProblemError('service_unavailable');
  deny();
  await pass(60_000);
  expect(sent.length).toBeGreaterThan(1);
  refusal = undefined;
  expect(warn).toHaveBeenCalled();
  const tries = sent.length;
  await pass(20_000);
  expect(sent).toHaveLength(tries + 1);
  expect(new Set(sent.flat().map(({ id }) => id)).size).toBe(1);
});

it('sends the minute that is under way when the gateway stops', async () => {
  deny();
  await denied.onApplicationShutdown();
  expect(sent).toMatchObject([[{ count: 1 }]]);
});

it('holds 10,000 counts, sends 100 a call, and says when there were more', async () => {
  const error = jest.spyOn(log, 'error').mockReturnValue();
  for (let n = 0; n < 10_003; n += 1) deny({ ...ada, tenant_id: `tenant-${n}`, user_id: `user-${n}` });
  deny({ ...ada, tenant_id: 'tenant-0', user_id: 'user-0' });
  await pass(60_000);
  expect(sent).toHaveLength(100);
  expect(sent[0]?.[0]).toMatchObject({ actor_id: 'user-0', count: 2 });
  expect(error).toHaveBeenCalledWith({ requests: 3 }, expect.any(String));
});
