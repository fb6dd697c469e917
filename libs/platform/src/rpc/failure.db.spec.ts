import { runAs } from '@taai/tenant';
import { Redis } from 'ioredis';
import { keys } from '../redis/keys';
import type { RpcClient } from './client/client';
import { codeOf, gate, redisUrl, someCaller, TestService, until, type TestMethod } from './fleet.testing';
import { bundleFixture, kill, replicaOrder, reportTo, startFixture } from './processes.testing';

/** Far beyond 3 s: a caller that is kept from running grants a replica more time. */
const PATIENT_MS = 20_000;

describe('A call that cannot be answered', () => {
  const redis = new Redis(redisUrl());
  let service: TestService;
  let client: RpcClient;

  beforeAll(() => bundleFixture('replica', 'failure'));
  beforeEach(async () => {
    service = new TestService();
    client = await service.client();
    await service.expectReplica();
  });
  afterEach(() => service.close());
  afterAll(() => redis.disconnect());

  const call = (key: TestMethod, timeout_ms: number, idempotency_key?: string) =>
    runAs(someCaller({ user_id: 'u' }), () =>
      client.call(service.method(key), {}, { timeout_ms, ...(idempotency_key && { idempotency_key }) }),
    );
  const queued = () => redis.llen(keys.rpcRequests(service.name, 'short'));

  it('fails as service_unavailable at once when no replica lives, long before its deadline, and is never queued', async () => {
    await redis.del(keys.rpcAlive(service.name));
    const ofNobody = ['read', 'write', 'slow', 'put'] as const;
    const calls = ofNobody.map((key) => codeOf(call(key, 600_000)));
    expect(await Promise.all(calls)).toEqual(ofNobody.map(() => 'service_unavailable'));
    expect(await queued()).toBe(0);
  });

  it('fails as service_unavailable at its deadline when no replica comes, and says when to come back', async () => {
    const error: unknown = await call('write', 200).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'service_unavailable',
      status: 503,
      extras: { retry_after: expect.any(Number) },
    });
  });

  it('is taken out of the list at its deadline, so that no replica executes what was refused', async () => {
    expect(await codeOf(call('write', 50))).toBe('service_unavailable');
    expect(await queued()).toBe(0);
  });

  it('is taken out of the list when its caller leaves', async () => {
    const control = new AbortController();
    const left = client.call(service.method('write'), {}, { signal: control.signal });
    await until(async () => (await queued()) === 1);
    control.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    await until(async () => (await queued()) === 0);
  });

  it('says nothing of being executed when something else has taken it', async () => {
    const late = call('write', 300).catch((reason: unknown) => reason);
    await until(async () => (await queued()) === 1);
    await redis.del(keys.rpcRequests(service.name, 'short'));
    expect(await late).toMatchObject({ code: 'deadline_exceeded', extras: {} });
  });

  it('is dropped by the replica that comes when its deadline has passed', async () => {
    const late = call('write', 50);
    await until(async () => (await queued()) === 1);
    const list = keys.rpcRequests(service.name, 'short');
    const element = (await redis.lindex(list, 0)) ?? '';
    expect(await codeOf(late)).toBe('service_unavailable');
    await redis.lpush(list, element);
    const executed: unknown[] = [];
    await service.replica({ write: async (input) => executed.push(input) });
    expect(await codeOf(client.call(service.method('write'), { n: 2 }))).toBe('ok');
    expect(executed).toEqual([{ n: 2 }]);
  });

  it('fails as deadline_exceeded when a replica is still at work on it', async () => {
    const held = gate();
    await service.replica({ write: () => held.promise });
    expect(await codeOf(call('write', 400))).toBe('deadline_exceeded');
    held.resolve();
  });

  it('fails as overloaded at once when the list is full, and is never queued', async () => {
    const narrow = await service.client({ maxQueue: 3 });
    const calls = Array.from({ length: 5 }, (_, n) => codeOf(narrow.call(service.method('write'), { n })));
    const refused = await Promise.all(calls.slice(3));
    expect(refused).toEqual(['overloaded', 'overloaded']);
    expect(await queued()).toBe(3);
    const executed: unknown[] = [];
    await service.replica({ write: async ({ n }) => executed.push(n) });
    expect(await Promise.all(calls)).toEqual(['ok', 'ok', 'ok', 'overloaded', 'overloaded']);
    expect(executed).toEqual([0, 1, 2]);
  });

  it('fails as overloaded when its process has too many pending', async () => {
    const calls = Array.from({ length: 10_001 }, () => codeOf(call('write', 300)));
    expect(await calls.at(-1)).toBe('overloaded');
    expect(await Promise.all(calls.slice(0, 10_000))).not.toContain('ok');
  });

  it('is pushed again at half its deadline, if safe, when nobody works on it', async () => {
    const answer = call('read', 2000);
    const once = codeOf(call('write', 2000));
    await until(async () => (await queued()) === 2);
    await redis.del(keys.rpcRequests(service.name, 'short'));
    await until(async () => (await queued()) === 1);
    await service.replica({ read: async () => ({ ok: true }), write: async () => ({}) });
    expect(await answer).toEqual({ ok: true });
    expect(await once).toBe('deadline_exceeded');
  });

  it('fails as replica_lost 3 s after its replica fell silent, when it must not be repeated', async () => {
    const lose = () => [call('write', PATIENT_MS), call('write', PATIENT_MS, 'key'), call('create', PATIENT_MS)];
    const lost = await loseReplicaAtWork(() => lose().map((one) => one.catch((reason: unknown) => reason)), 3);
    const executed: unknown[] = [];
    const execute = async () => executed.push(1);
    await service.replica({ write: execute, create: execute });
    for (const one of lost) {
      const detail = expect.stringContaining('Whether it was done is not known.') as string;
      expect(await one).toMatchObject({ code: 'replica_lost', status: 503, message: detail, extras: {} });
    }
    expect(executed).toEqual([]);
  }, 30_000);

  it('is repeated when its replica is lost, if that does no harm: safe, idempotent, or once per key and with one', async () => {
    const make = () => [call('read', PATIENT_MS), call('put', PATIENT_MS), call('create', PATIENT_MS, 'key')];
    const calls = await loseReplicaAtWork(make, 3);
    const answer = async () => ({ from: 'another' });
    await service.replica({ read: answer, put: answer, create: answer });
    expect(await Promise.all(calls)).toEqual([1, 2, 3].map(() => ({ from: 'another' })));
  }, 30_000);

  /** Makes calls, and kills the replica that took them when this caller has been told that it works on them. */
  async function loseReplicaAtWork<T>(make: () => T, calls: number): Promise<T> {
    const { told } = await reportTo(client.caller, calls);
    // The process starts first: that may take longer than the calls' deadline when the machine is busy.
    const doomed = await startFixture('failure', replicaOrder(service));
    const made = make();
    await told;
    await kill(doomed);
    return made;
  }
});
