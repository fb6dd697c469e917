import { runAs, runInContext, type RequestContext } from '@taai/tenant';
import { ProblemError } from '@taai/contracts';
import { firstValueFrom } from 'rxjs';
import { Redis } from 'ioredis';
import { keys } from '../redis/keys';
import { codeOf, gate, someCaller, tellContext, redisUrl, TestService, until, watchCommands } from './fleet.testing';
import type { RpcClient } from './client/client';

describe('A call', () => {
  const service = new TestService();
  const errors: unknown[] = [];
  const observed: string[] = [];
  let client: RpcClient;

  beforeAll(async () => {
    await service.replica(
      {
        read: async (input) => input,
        write: async ({ fail }) => {
          if (fail === 'typed') {
            throw new ProblemError('conflict', 'Taken.', {
              errors: [{ path: 'a.0', message: 'is taken' }],
              retry_after: 7,
            });
          }
          throw new Error('the password is hunter2');
        },
        mine: tellContext,
        internal: tellContext,
        put: async () => undefined,
        secret: async (input) => input,
      },
      {
        onError: (error, fields) => errors.push([error, fields]),
        observe: ({ rpc, code }) => observed.push(`${rpc} ${code}`),
      },
    );
    client = await service.client({ observe: ({ rpc, code }) => observed.push(`${rpc} ${code}`) });
  });
  afterAll(() => service.close());

  const inContext = <T>(context: Partial<RequestContext>, work: () => T) =>
    runInContext({ request_id: 'r-1', ...context }, work);

  it('carries any JSON there and back, byte for byte', async () => {
    const input = {
      text: 'Grüße, 你好 👩‍🚀 \u2028 \ud800 "quoted" \\ \n \t \u0000',
      numbers: [0, -1.5, 1e300, null],
      long: '☃'.repeat(340_000),
    };
    expect(await client.call(service.method('read'), input)).toEqual(JSON.parse(JSON.stringify(input)));
    expect(await client.callRaw(service.method('read'), input)).toBe(JSON.stringify(input));
  });

  it('keeps answers apart when many are under way', async () => {
    const inputs = Array.from({ length: 300 }, (_, n) => ({ n, text: 'x'.repeat((n * 37) % 5000) }));
    expect(await Promise.all(inputs.map((input) => client.call(service.method('read'), input)))).toEqual(inputs);
  });

  it('passes secrets through Redis encrypted, both ways', async () => {
    const guarded = new TestService();
    const watcher = new Redis(redisUrl());
    const caller = await guarded.client();
    await guarded.expectReplica();
    const input = { password: 'hunter2' };
    const call = caller.call(guarded.method('secret'), input);
    const list = keys.rpcRequests(guarded.name, 'short');
    await until(async () => (await watcher.llen(list)) === 1);
    expect(await watcher.lrange(list, 0, -1)).toEqual([expect.not.stringContaining('hunter2')]);
    const frames: string[] = [];
    const stop = await watchCommands((line) => frames.push(line));
    await guarded.replica({ secret: async (seen) => ({ seen }) });
    expect(await call).toEqual({ seen: input });
    await until(() => frames.some((frame) => frame.includes(keys.rpcReplies(caller.caller))));
    expect(frames.join('\n')).not.toContain('hunter2');
    stop();
    watcher.disconnect();
    await guarded.close();
  });

  it('answers null for nothing', async () => {
    expect(await client.callRaw(service.method('put'), {})).toBe('null');
  });

  it('is offered typed by the contract, and by Nest with its name', async () => {
    expect(await client.for(service.contract).read({ a: 1 })).toEqual({ a: 1 });
    expect(await firstValueFrom(client.send(`${service.name}.read`, { a: 1 }))).toEqual({ a: 1 });
    expect(await codeOf(firstValueFrom(client.send('nobody.knows', {})))).toBe('unknown_method');
  });

  it('fails with the error that the handler threw', async () => {
    const error: unknown = await client
      .call(service.method('write'), { fail: 'typed' })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({
      code: 'conflict',
      status: 409,
      message: 'Taken.',
      extras: { errors: [{ path: 'a.0', message: 'is taken' }], retry_after: 7 },
    });
  });

  it('says no more than internal of any other error, whose cause stays at the replica', async () => {
    const call = inContext({ request_id: 'r-7' }, () => client.call(service.method('write'), {}));
    const error: unknown = await call.catch((reason: unknown) => reason);
    expect(JSON.stringify(error)).not.toContain('hunter2');
    expect(error).toMatchObject({ code: 'internal' });
    expect(errors).toEqual([
      [new Error('the password is hunter2'), { rpc: `${service.name}.write`, request_id: 'r-7' }],
    ]);
  });

  it('is observed on both sides with its outcome', async () => {
    observed.length = 0;
    await client.call(service.method('read'), {});
    await codeOf(client.call(service.method('write'), { fail: 'typed' }));
    const [read, write] = [`${service.name}.read ok`, `${service.name}.write conflict`];
    expect(observed).toEqual([read, read, write, write]);
  });

  it('refuses what is larger than 1.5 MB, on the way there and on the way back', async () => {
    expect(await codeOf(client.call(service.method('read'), { text: 'x'.repeat(1_500_000) }))).toBe(
      'payload_too_large',
    );
    const doubling = await service.client();
    await service.replica({ slow: async () => ({ text: '☃'.repeat(500_000) }) });
    expect(await codeOf(doubling.call(service.method('slow'), {}))).toBe('internal');
  });

  it('ends with the reason of its signal', async () => {
    const held = gate();
    const other = new TestService();
    await other.replica({ read: () => held.promise });
    const caller = await other.client();
    const controller = new AbortController();
    const call = caller.call(other.method('read'), {}, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(call).rejects.toThrow('changed my mind');
    await expect(caller.call(other.method('read'), {}, { signal: controller.signal })).rejects.toThrow(
      'changed my mind',
    );
    held.resolve();
    await other.close();
  });

  it('takes the request along: id, caller, idempotency key, address, and a child span of the same trace', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const caller = someCaller({ user_id: 'u', session_id: 's', role: 'member' });
    const context = { request_id: 'r-2', traceparent, caller, idempotency_key: 'once-only', ip: '::1' };
    const seen = (await inContext(context, () => client.call(service.method('mine'), {}))) as RequestContext;
    expect(seen).toEqual({
      ...context,
      traceparent: expect.any(String),
      token: expect.any(String),
      deadline: expect.any(Number),
    });
    expect(seen.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
    expect(seen.traceparent).not.toBe(traceparent);
  });

  it('cannot be confused by separators in what comes from outside', async () => {
    const caller = someCaller({ user_id: 'u' });
    const context = { request_id: 'a\tb\nc', caller, idempotency_key: 'k\t\n', ip: '\t' };
    const seen = await inContext(context, () => client.call(service.method('mine'), {}));
    expect(seen).toMatchObject({ request_id: 'a b c', caller, idempotency_key: 'k  ', ip: ' ' });
  });

  it('takes no key along where no user is: nobody would keep its repetition from doing its work again', async () => {
    const context = { caller: someCaller(), idempotency_key: 'k' };
    expect(await inContext(context, () => client.call(service.method('mine'), {}))).not.toHaveProperty(
      'idempotency_key',
    );
  });

  it('is refused without the permission, and without a caller where one is needed', async () => {
    const call = () => codeOf(client.call(service.method('mine'), {}));
    expect(await call()).toBe('unauthenticated');
    expect(await inContext({ caller: someCaller({ permissions: ['things:write'] }) }, call)).toBe('forbidden');
    expect(await inContext({ caller: someCaller({ permissions: ['things:*'] }) }, call)).toBe('ok');
  });

  it('is refused with a forged token', async () => {
    const forger = new TestService().tokens('gateway');
    const token = await forger.mint(someCaller());
    expect(await inContext({ token }, () => codeOf(client.call(service.method('mine'), {})))).toBe('unauthenticated');
  });

  it('forwards the token that it came with, unchanged', async () => {
    const token = await service.tokens('gateway').mint(someCaller());
    const chat = await service.client({ service: 'chat' });
    const seen = await inContext({ token }, () => chat.call(service.method('mine'), {}));
    expect(seen).toMatchObject({ token, caller: { issuer: 'gateway' } });
  });

  it('reaches internal methods from the services that the contract names, on behalf of the caller', async () => {
    const caller = someCaller();
    const token = await service.tokens('gateway').mint(caller);
    const [chat, task] = [await service.client({ service: 'chat' }), await service.client({ service: 'task' })];
    const call = (from: RpcClient) => from.call(service.method('internal'), {});
    expect(await inContext({ token, caller }, () => call(chat))).toMatchObject({
      caller: { ...caller, issuer: 'chat' },
    });
    expect(await inContext({ token, caller }, () => codeOf(call(task)))).toBe('forbidden');
    expect(await inContext({ token, caller }, () => codeOf(call(client)))).toBe('forbidden');
    expect(await codeOf(call(chat))).toBe('unauthenticated');
  });

  it("is made with the service's own token in work that it does for someone", async () => {
    const caller = someCaller({ issuer: 'chat' });
    const chat = await service.client({ service: 'chat' });
    const seen = await runAs(caller, () => chat.call(service.method('mine'), {}));
    expect(seen).toMatchObject({ caller, token: expect.any(String) });
  });
});
