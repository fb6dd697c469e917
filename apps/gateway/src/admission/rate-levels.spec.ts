import {
  bind,
  noLimits,
  publicMethods,
  runContract,
  taskContract,
  type PublicMethod,
  type TenantLimits,
} from '@taai/contracts';
import { dialects, routeOf } from '@taai/dialects';
import type { Caller } from '@taai/tenant';
import { NIL } from 'uuid';
import { callerScope, isGuarded, networkScope, type RateScope } from './rate-levels';

const free: TenantLimits = {
  ...noLimits,
  requests_per_minute: 100,
  requests_per_minute_per_user: 50,
  tokens_per_minute: 5000,
};
const caller: Caller = { tenant_id: NIL, user_id: 'ada', permissions: [], issuer: 'gateway' };
const routes = [...publicMethods, ...dialects.map(routeOf)];
const namesOf = ({ levels }: RateScope) => levels.map(({ name }) => name);
const scopeOf = (method: PublicMethod, limits = free) =>
  method.access === 'public' ? networkScope(method, '192.0.2.1') : callerScope(method, caller, limits);

/** What is held to something else than its caller's tenant and user. */
const alone = ['usage.limit.list'];

it.each(routes.map((bound) => [bound.rpc, bound.method] as const))('%s is limited', (rpc, method) => {
  const names = namesOf(scopeOf(method));
  const expected = method.access === 'public' ? ['network'] : ['tenant', 'user'];
  if (alone.includes(rpc)) expect(names).toEqual(['endpoint']);
  else expect(names).toEqual(expect.arrayContaining(expected));
});

it('counts the tokens of every route where models answer', () => {
  const ofModels = routes.filter(({ method }) => namesOf(scopeOf(method)).includes('tokens')).map(({ rpc }) => rpc);
  expect(ofModels.sort()).toEqual([
    'chat.message.regenerate',
    'chat.message.send',
    'openai-chat',
    'openai-embeddings',
    'orchestrator.run.start',
  ]);
});

it('asks nothing of a plan without rates, whatever the route', () => {
  for (const { method } of routes.filter(({ method }) => method.access !== 'public'))
    expect(scopeOf(method, noLimits).levels).toEqual([]);
});

it('guards what could be guessed, and money, but not the rest', () => {
  const guarded = routes.filter(isGuarded).map(({ method }) => method.http);
  expect(guarded).toEqual(
    expect.arrayContaining(['POST /v1/auth/login', 'POST /v1/auth/password/forgot', 'POST /v1/chat/completions']),
  );
  for (const open of ['GET /v1/tasks', 'GET /.well-known/jwks.json', 'POST /v1/auth/logout'])
    expect(guarded).not.toContain(open);
});

describe('the limit of an endpoint', () => {
  const { method } = bind(taskContract, 'create');
  const endpointOf = (limits: TenantLimits, declared?: number) =>
    callerScope({ ...method, ...(declared && { limit: { per_minute: declared } }) }, caller, limits).levels.find(
      ({ name }) => name === 'endpoint',
    )?.per_minute;

  it.each([
    ['is none where nobody declares one', free, undefined, undefined],
    ['is the contract’s', free, 7, 7],
    ['is the tenant’s, if it has one', { ...free, endpoints: { [method.http]: 3 } }, 7, 3],
    ['is lifted for a tenant', { ...free, endpoints: { [method.http]: null } }, 7, undefined],
    ['is the tenant’s on a plan without rates', { ...noLimits, endpoints: { [method.http]: 3 } }, 7, 3],
    ['is not the contract’s there', noLimits, 7, undefined],
  ])('%s', (_, limits, declared, expected) => expect(endpointOf(limits, declared)).toBe(expected));
});

it('guesses tokens by the length of the body, but never so many that the request could not be admitted', () => {
  const { method } = bind(runContract, 'start');
  const held = (bytes: number, tokens_per_minute: number) =>
    callerScope(method, caller, { ...free, tokens_per_minute }, bytes).levels.find(({ name }) => name === 'tokens')
      ?.amount;
  expect([held(0, 5000), held(400, 5000), held(1e9, 5000), held(1e9, 50)]).toEqual([1, 100, 4000, 50]);
});
