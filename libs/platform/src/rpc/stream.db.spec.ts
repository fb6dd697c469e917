import { runInContext } from '@taai/tenant';
import { ProblemError } from '@taai/contracts';
import { Redis } from 'ioredis';
import { keys } from '../redis/keys';
import { codeOf, gate, redisUrl, someCaller, TestService, until, watchCommands, type Anything } from './fleet.testing';
import type { RpcClient } from './client/client';

/** Yields 0, 1, 2, … as `{ n }`, `count` of them. */
async function* count({ count = Infinity, wait }: Anything) {
  for (let n = 0; n < Number(count); n++) {
    if (wait) await new Promise((resolve) => setTimeout(resolve, Number(wait)));
    yield { n };
  }
}

/** A handler that never ends by itself, and what becomes of it. */
function endless() {
  const [begun, ended] = [gate(), gate()];
  const seen = { produced: 0, begun: begun.promise, ended: ended.promise, reason: undefined as unknown, executions: 0 };
  async function* handler(_input: Anything, signal: AbortSignal) {
    seen.executions++;
    signal.addEventListener('abort', () => (seen.reason = signal.reason));
    begun.resolve();
    try {
      for (;;) yield { n: seen.produced++ };
    } finally {
      ended.resolve();
    }
  }
  return Object.assign(seen, { handler });
}

/** A handler that produces nothing until its signal aborts. */
function silent() {
  const [begun, ended] = [gate(), Promise.withResolvers<unknown>()];
  // eslint-disable-next-line require-yield -- a stream that has nothing to say yet
  async function* handler(_input: Anything, signal: AbortSignal) {
    begun.resolve();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ended.resolve(signal.reason);
    throw signal.reason;
  }
  return { handler, begun: begun.promise, ended: ended.promise };
}

describe('A stream', () => {
  let service: TestService;
  let client: RpcClient;

  beforeEach(async () => {
    service = new TestService();
    client = await service.client();
  });
  afterEach(() => service.close());

  const open = (input = {}, options = {}) => client.for(service.contract).stream(input, options);

  async function read(outputs: AsyncIterable<Anything>): Promise<unknown[]> {
    const numbers: unknown[] = [];
    for await (const { n } of outputs) numbers.push(n);
    return numbers;
  }

  it('brings every output, in order, to its own reader: 10,000 over 20 streams and 3 replicas, each executed once', async () => {
    let executions = 0;
    for (let replica = 0; replica < 3; replica++) {
      await service.replica({ stream: (input) => (executions++, count(input)) });
    }
    const streams = await Promise.all(Array.from({ length: 20 }, () => read(open({ count: 500 }))));
    const expected = Array.from({ length: 500 }, (_, n) => n);
    for (const numbers of streams) expect(numbers).toEqual(expected);
    expect(executions).toBe(20);
  });

  it('may be empty, and passes JSON unread', async () => {
    await service.replica({ stream: count });
    expect(await read(open({ count: 0 }))).toEqual([]);
    const texts: string[] = [];
    for await (const json of client.streamRaw(service.method('stream'), { count: 2 })) texts.push(json);
    expect(texts).toEqual(['{"n":0}', '{"n":1}']);
  });

  it('does not run ahead of a slow reader', async () => {
    const source = endless();
    await service.replica({ stream: source.handler });
    let taken = 0;
    for await (const { n } of open()) {
      expect(n).toBe(taken++);
      if (taken === 1) await until(() => source.produced === 65);
      if (taken === 32) await until(() => source.produced === 97);
      expect(source.produced).toBeLessThanOrEqual(taken < 32 ? 65 : 97);
      if (taken === 40) break;
    }
  });

  it('ends at the handler when its reader leaves the loop', async () => {
    const source = endless();
    await service.replica({ stream: source.handler });
    for await (const { n } of open()) if (n === 3) break;
    await source.ended;
    expect(source.reason).toMatchObject({ code: 'cancelled' });
  });

  it('ends at the handler, and for the reader with the reason, when its signal aborts', async () => {
    const source = silent();
    await service.replica({ stream: source.handler });
    const controller = new AbortController();
    const reading = read(open({}, { signal: controller.signal }));
    await source.begun;
    controller.abort(new Error('changed my mind'));
    await expect(reading).rejects.toThrow('changed my mind');
    expect(await source.ended).toMatchObject({ code: 'cancelled' });
  });

  it('is never begun when its reader has left before a replica took it up', async () => {
    await service.expectReplica();
    const controller = new AbortController();
    const reading = read(open({}, { signal: controller.signal }));
    const redis = new Redis(redisUrl());
    const waiting = () => redis.llen(keys.rpcRequests(service.name, 'long'));
    await until(async () => (await waiting()) === 1);
    controller.abort(new Error('changed my mind'));
    await expect(reading).rejects.toThrow('changed my mind');
    await until(async () => (await waiting()) === 0);
    redis.disconnect();
  });

  it('is begun by one replica alone, though its request arrived twice', async () => {
    await service.expectReplica();
    const [first, second] = [endless(), endless()];
    const outputs = open()[Symbol.asyncIterator]();
    const begun = outputs.next();
    const redis = new Redis(redisUrl());
    const list = keys.rpcRequests(service.name, 'long');
    await until(async () => (await redis.llen(list)) === 1);
    const [request = ''] = await redis.lrange(list, 0, 0);
    await redis.lpush(list, request, request);
    const codes: string[] = [];
    const observe = ({ code }: { code: string }) => codes.push(code);
    await service.replica({ stream: first.handler }, { observe, longSlots: 1 });
    await service.replica({ stream: second.handler }, { observe });
    expect(await begun).toEqual({ value: { n: 0 }, done: false });
    await until(() => codes.length > 0);
    expect(new Set(codes)).toEqual(new Set(['cancelled']));
    expect(first.executions + second.executions).toBe(1);
    await outputs.return?.();
    redis.disconnect();
  });

  it('fails as service_unavailable when no replica takes it up within 5 s, long before its deadline', async () => {
    await service.expectReplica();
    const started = performance.now();
    expect(await codeOf(read(open()))).toBe('service_unavailable');
    expect(performance.now() - started).toBeLessThan(6000);
  }, 10_000);

  it('fails with what its handler threw, after the outputs that came before', async () => {
    await service.replica({
      stream: async function* () {
        yield { n: 1 };
        yield { n: 2 };
        throw new ProblemError('rate_limited', 'Slowly.', { retry_after: 9 });
      },
    });
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const { n } of open()) seen.push(n);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'rate_limited',
      message: 'Slowly.',
      extras: { retry_after: 9 },
    });
    expect(seen).toEqual([1, 2]);
  });

  it('says no more than internal of any other error', async () => {
    const errors: unknown[] = [];
    await service.replica(
      {
        stream: () => {
          throw new Error('the password is hunter2');
        },
      },
      { onError: (error) => errors.push(error) },
    );
    expect(await codeOf(read(open()))).toBe('internal');
    expect(errors).toEqual([new Error('the password is hunter2')]);
  });

  it('ends on both sides at its deadline', async () => {
    const source = silent();
    await service.replica({ stream: source.handler });
    expect(await codeOf(read(open({}, { timeout_ms: 400 })))).toBe('deadline_exceeded');
    expect(await source.ended).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('goes on while its reader pauses for longer than a silent one is believed to live', async () => {
    await service.replica({ stream: count });
    const outputs = open({ count: 200 })[Symbol.asyncIterator]();
    expect(await outputs.next()).toEqual({ value: { n: 0 }, done: false });
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(await read({ [Symbol.asyncIterator]: () => outputs })).toHaveLength(199);
  }, 15_000);

  it('is refused without the permission before its handler is asked', async () => {
    const mine = new TestService();
    const caller = await mine.client();
    const source = endless();
    await mine.replica({ guarded: source.handler });
    const call = () => codeOf(read(caller.for(mine.contract).guarded({})));
    expect(await call()).toBe('unauthenticated');
    expect(await runInContext({ request_id: 'r', caller: someCaller({ permissions: [] }) }, call)).toBe('forbidden');
    expect(source.executions).toBe(0);
    await mine.close();
  });

  it('passes secrets through Redis encrypted', async () => {
    const commands: string[] = [];
    const stop = await watchCommands((line) => commands.push(line));
    await service.replica({
      hidden: async function* ({ password }: Anything) {
        yield { password };
      },
    });
    const seen: unknown[] = [];
    for await (const output of client.for(service.contract).hidden({ password: 'hunter2' })) seen.push(output);
    expect(seen).toEqual([{ password: 'hunter2' }]);
    await until(() => commands.some((command) => command.includes(keys.rpcReplies(client.caller))));
    expect(commands.join('\n')).not.toContain('hunter2');
    stop();
  });

  it('is finished by a replica that leaves', async () => {
    const replica = await service.replica({ stream: count });
    const outputs = open({ count: 300, wait: 1 })[Symbol.asyncIterator]();
    await outputs.next();
    const closing = replica.close();
    expect(await read({ [Symbol.asyncIterator]: () => outputs })).toHaveLength(299);
    await closing;
  });

  it('is aborted by a replica that leaves and could not finish it in time', async () => {
    const source = silent();
    const replica = await service.replica({ stream: source.handler });
    const failure = codeOf(read(open()));
    await source.begun;
    const closing = replica.close();
    expect(await failure).toBe('replica_lost');
    expect(await source.ended).toMatchObject({ code: 'replica_lost' });
    await closing;
  }, 20_000);

  it('keeps no slot and no list behind', async () => {
    const replica = await service.replica({ stream: count }, { longSlots: 1 });
    for (let round = 0; round < 5; round++) {
      for await (const { n } of open()) if (n === 100) break;
    }
    expect(await read(open({ count: 3 }))).toEqual([0, 1, 2]);
    await client.close();
    await replica.close();
    const redis = new Redis(redisUrl());
    expect(await redis.keys(`*${service.name}*`)).toEqual([keys.rpcAlive(service.name)]);
    expect(await redis.exists(keys.rpcReplies(client.caller))).toBe(0);
    redis.disconnect();
  });
});
