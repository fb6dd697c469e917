import { Redis } from 'ioredis';
import type { RpcClient } from './client/client';
import { codeOf, gate, redisUrl, TestService, type Anything } from './fleet.testing';
import { reportTo } from './processes.testing';

describe('A cancellable call', () => {
  let service: TestService;
  let client: RpcClient;

  beforeEach(async () => {
    service = new TestService();
    client = await service.client();
  });
  afterEach(() => service.close());

  /** Answers when its signal aborts, with the reason's code. */
  function patient() {
    const [begun, left] = [gate(), Promise.withResolvers<unknown>()];
    const handler = async (_input: Anything, signal: AbortSignal) => {
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      left.resolve(signal.reason);
      throw signal.reason;
    };
    return { handler, begun: begun.promise, left: left.promise };
  }

  it('answers like any other', async () => {
    await service.replica({ leave: async (input) => input });
    expect(await client.for(service.contract).leave({ a: 1 })).toEqual({ a: 1 });
    const redis = new Redis(redisUrl());
    expect(await redis.keys(`rpc:control:*`)).toEqual(
      expect.not.arrayContaining([expect.stringContaining(service.name)]),
    );
    redis.disconnect();
  });

  it.each([
    ['at once', false],
    ['when the replica has reported it', true],
  ])('tells its handler when the caller leaves %s', async (_when, reported) => {
    const { handler, begun, left } = patient();
    const { told } = await reportTo(client.caller);
    await service.replica({ leave: handler });
    const controller = new AbortController();
    const call = client.for(service.contract).leave({}, { signal: controller.signal });
    await (reported ? told : begun);
    controller.abort(new Error('changed my mind'));
    await expect(call).rejects.toThrow('changed my mind');
    const started = performance.now();
    expect(await left).toMatchObject({ code: 'cancelled' });
    expect(performance.now() - started).toBeLessThan(1000);
    await told;
  });

  it('tells its handler of the deadline', async () => {
    const { handler, left } = patient();
    await service.replica({ leave: handler });
    expect(await codeOf(client.for(service.contract).leave({}, { timeout_ms: 300 }))).toBe('deadline_exceeded');
    expect(await left).toMatchObject({ code: 'deadline_exceeded' });
  });
});
