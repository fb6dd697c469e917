import { bind, contract } from '@taai/contracts';
import { Redis } from 'ioredis';
import { keys } from '../redis/keys';
import { Anything, codeOf, contractOf, gate, redisUrl, TestService, until } from './fleet.testing';

describe('Several replicas', () => {
  let service: TestService;
  beforeEach(() => {
    service = new TestService();
  });
  afterEach(() => service.close());

  it('execute each request once, in one of them', async () => {
    const executions = new Map<unknown, number>();
    const shares = [0, 0, 0];
    for (const replica of shares.keys()) {
      await service.replica({
        write: async ({ n }) => {
          executions.set(n, (executions.get(n) ?? 0) + 1);
          shares[replica] = (shares[replica] ?? 0) + 1;
          return { n };
        },
      });
    }
    const [even, odd] = [await service.client(), await service.client()];
    const calls = Array.from({ length: 1000 }, (_, n) => (n % 2 ? odd : even).call(service.method('write'), { n }));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 1000 }, (_, n) => ({ n })));
    expect([...executions.values()]).toEqual(Array.from({ length: 1000 }, () => 1));
    expect(shares.every((share) => share > 0)).toBe(true);
  });

  it('share what comes while one of them has no slot free', async () => {
    const [first, second] = [gate(), gate()];
    const taken = { first: 0, second: 0 };
    await service.replica({ read: () => first.promise.then(() => void taken.first++) }, { slots: 2 });
    const client = await service.client();
    const held = Array.from({ length: 2 }, () => client.call(service.method('read'), {}));
    const redis = new Redis(redisUrl());
    await until(async () => (await redis.llen(keys.rpcRequests(service.name, 'short'))) === 0);
    second.resolve();
    await service.replica({ read: () => second.promise.then(() => void taken.second++) });
    await Promise.all(Array.from({ length: 20 }, () => client.call(service.method('read'), {})));
    expect(taken).toEqual({ first: 0, second: 20 });
    first.resolve();
    await Promise.all(held);
    redis.disconnect();
  });

  it('keep the two lanes apart: a full one does not delay the other', async () => {
    const held = gate();
    await service.replica({ slow: () => held.promise, read: async () => ({ ok: true }) }, { longSlots: 1 });
    const client = await service.client();
    const slow = [client.call(service.method('slow'), {}), client.call(service.method('slow'), {})];
    expect(await client.call(service.method('read'), {})).toEqual({ ok: true });
    held.resolve();
    await Promise.all(slow);
  });

  it('hand on what they do not know to the one that does', async () => {
    await service.replica({ read: async () => ({ from: 'old' }) });
    await service.replica({ read: async () => ({ from: 'old' }) });
    await service.replica({ read: async () => ({ from: 'new' }), put: async ({ n }) => ({ n }) });
    const client = await service.client();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => client.call(service.method('put'), { n })));
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => ({ n })));
  });

  it('say so when none of them knows a method', async () => {
    await service.replica({ read: async () => ({}) });
    await service.replica({ read: async () => ({}) });
    const client = await service.client();
    expect(await codeOf(client.call(service.method('put'), {}))).toBe('unknown_method');
    expect(await codeOf(client.call(service.method('read'), {}))).toBe('ok');
  });

  it('lose nothing when one of them leaves under load, and another', async () => {
    let executions = 0;
    const write = async ({ n }: Anything) => {
      executions++;
      await new Promise((resolve) => setTimeout(resolve, Number(n) % 20));
      return { n };
    };
    const replicas = [await service.replica({ write }), await service.replica({ write })];
    const client = await service.client();
    let [calls, running] = [0, true];
    const workers = Array.from({ length: 32 }, async () => {
      while (running) expect(await client.call(service.method('write'), { n: ++calls })).toHaveProperty('n');
    });
    for (const replica of replicas) {
      const before = calls;
      await until(() => calls > before + 300);
      await service.replica({ write });
      await replica.close();
    }
    running = false;
    await Promise.all(workers);
    expect(executions).toBe(calls);
  });

  it('finish what they have begun before they leave', async () => {
    const [begun, held] = [gate(), gate()];
    const write = async () => {
      begun.resolve();
      await held.promise;
      return { done: true };
    };
    const replica = await service.replica({ write });
    const client = await service.client();
    const call = client.call(service.method('write'), {});
    await begun.promise;
    const closing = replica.close();
    held.resolve();
    expect(await call).toEqual({ done: true });
    await closing;
  });
});

describe('A replica', () => {
  it('does not start with a handler that no contract of its service declares', async () => {
    const service = new TestService();
    const foreign = contract('task', contractOf('task').methods);
    const server = await service.replica({});
    server.addHandler('task.read', async () => ({}), false, { bound: bind(foreign, 'read') });
    const start = new Promise((resolve) => server.listen(resolve));
    expect(await start).toMatchObject({ message: expect.stringContaining('@Handles(contract)') });
    server.addHandler('task.read', async () => ({}));
    expect(await new Promise((resolve) => server.listen(resolve))).toBeInstanceOf(Error);
    await service.close();
  });

  it('survives what is no request', async () => {
    const service = new TestService();
    const errors: unknown[] = [];
    await service.replica({ read: async (input) => input }, { onError: (error) => errors.push(error) });
    const redis = new Redis(redisUrl());
    await redis.lpush(
      keys.rpcRequests(service.name, 'short'),
      '',
      'rubbish',
      '\n',
      'a\tb\tc\td\te\tf\n{',
      '{"id":1}\n{}',
    );
    await redis.lpush(
      keys.rpcRequests(service.name, 'short'),
      `1\tnobody\t${service.name}.read\t9e15\t0\tr\t\t\t\t\n{"open":`,
    );
    const client = await service.client();
    expect(await client.call(service.method('read'), { a: 1 })).toEqual({ a: 1 });
    await until(() => errors.length === 6);
    redis.disconnect();
    await service.close();
  });
});
