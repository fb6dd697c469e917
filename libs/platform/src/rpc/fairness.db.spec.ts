import { runAs } from '@taai/tenant';
import { Redis } from 'ioredis';
import { keys } from '../redis/keys';
import type { RpcClient } from './client/client';
import {
  codeOf,
  gate,
  redisUrl,
  someCaller,
  TestService,
  until,
  type Anything,
  type TestMethod,
} from './fleet.testing';
import { reportTo } from './processes.testing';

const TIMEOUT_MS = 600_000;
const [many, few] = [someCaller(), someCaller()];

describe('Tenants', () => {
  const redis = new Redis(redisUrl());
  let service: TestService;
  let client: RpcClient;

  beforeEach(async () => {
    service = new TestService();
    client = await service.client();
    await service.expectReplica();
  });
  afterEach(() => service.close());
  afterAll(() => redis.disconnect());

  const call = (caller: typeof many, key: TestMethod, input: Anything) =>
    runAs(caller, () => client.call(service.method(key), input, { timeout_ms: TIMEOUT_MS }));

  const calls = (caller: typeof many, key: TestMethod, count: number, name: string) =>
    Array.from({ length: count }, (_, n) => call(caller, key, { name: `${name}${n}` }));

  it.each(['write', 'slow'] as const)('take turns however much one has queued: %s', async (key) => {
    const queued = calls(many, key, 500, 'a');
    const list = keys.rpcRequests(service.name, key === 'slow' ? 'long' : 'short');
    await until(async () => (await redis.llen(list)) === 500);
    queued.push(...calls(few, key, 5, 'b'));
    const { told } = await reportTo(client.caller, 505);
    const held = gate();
    const begun: unknown[] = [];
    const handle = async ({ name }: Anything) => {
      begun.push(name);
      await held.promise;
      return {};
    };
    await service.replica({ [key]: handle }, { slots: 1, longSlots: 1 });
    await told;
    held.resolve();
    await Promise.all(queued);
    expect(begun.slice(0, 11)).toEqual('a0 a1 b0 a2 b1 a3 b2 a4 b3 a5 b4'.split(' '));
    expect(begun).toHaveLength(505);
  });

  it('find a place at once while the calls of another one go on', async () => {
    const held = gate();
    await service.replica({ write: () => held.promise, read: async () => ({ ok: true }) }, { slots: 6 });
    const going = calls(many, 'write', 20, 'a');
    await until(async () => (await redis.llen(keys.rpcRequests(service.name, 'short'))) === 0);
    expect(await call(few, 'read', {})).toEqual({ ok: true });
    held.resolve();
    await Promise.all(going);
  });

  it('are told at once what would not be begun in time, and it never is', async () => {
    const held = gate();
    const executed: unknown[] = [];
    const handle = async ({ n }: Anything) => {
      executed.push(n);
      await held.promise;
      return {};
    };
    await service.replica({ write: handle }, { slots: 1 });
    const outcomes = Array.from({ length: 1600 }, (_, n) => codeOf(call(many, 'write', { n })));
    const refused = await Promise.race(outcomes);
    expect(refused).toBe('overloaded');
    held.resolve();
    const codes = await Promise.all(outcomes);
    const answered = codes.flatMap((code, n) => (code === 'ok' ? [n] : []));
    expect(new Set(codes)).toEqual(new Set(['ok', 'overloaded']));
    expect(executed).toEqual(answered);
  });

  it('have what waits for 5 s refused, however far its deadline, and never begun', async () => {
    const held = gate();
    let executions = 0;
    await service.replica({ write: () => (executions++, held.promise) }, { slots: 1 });
    const working = call(many, 'write', {});
    await until(() => executions === 1);
    expect(await codeOf(call(many, 'write', {}))).toBe('overloaded');
    held.resolve();
    await working;
    expect(executions).toBe(1);
  });
});
