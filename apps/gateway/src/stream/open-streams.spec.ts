import { getEventListeners, once } from 'node:events';
import { Test } from '@nestjs/testing';
import { ProblemError } from '@taai/contracts';
import type { FastifyReply } from 'fastify';
import { Principals } from '../access/principals';
import { OpenStreams, STOPPING } from './open-streams';
import { bodyOf, fakeTimer, serve, type AnswerServer } from './stream.testing';

const DRAIN_MS = 8000;

describe('what lasts', () => {
  let streams: OpenStreams;
  let server: AnswerServer;
  /** Of every caller. */
  let access: AbortController;
  let watched: number;
  let isResumable: boolean;
  let work: (signal: AbortSignal, reply: FastifyReply) => Promise<unknown>;
  /** What every stream came to, value or error. */
  let outcomes: Promise<unknown>[];
  let whenOpened: () => void = () => undefined;

  beforeEach(async () => {
    access = new AbortController();
    watched = 0;
    isResumable = false;
    work = lasts;
    outcomes = [];
    const watch = () => {
      watched += 1;
      return { signal: access.signal, end: () => (watched -= 1) };
    };
    const providers = [OpenStreams, { provide: Principals, useValue: { watch } }];
    streams = (await Test.createTestingModule({ providers }).compile()).get(OpenStreams);
    server = await serve(run);
  });
  afterEach(() => server.close());

  function run(reply: FastifyReply): Promise<unknown> {
    const running = streams.run(reply, (signal) => work(signal, reply), { isResumable });
    outcomes.push(running.catch((error: unknown) => error));
    whenOpened();
    return running;
  }

  async function open() {
    const opened = Promise.withResolvers<void>();
    whenOpened = opened.resolve;
    const exchange = server.ask();
    await opened.promise;
    return exchange;
  }

  it('answers what its work comes to', async () => {
    work = async () => 'done';
    expect(await bodyOf(server.ask())).toBe('done');
    work = () => Promise.reject(new ProblemError('not_found'));
    expect(await bodyOf(server.ask())).toBe('not_found');
    expect(watched).toBe(0);
  });

  it('ends with its client', async () => {
    const { sent } = await open();
    expect(watched).toBe(1);
    sent.destroy();
    expect(await outcomes[0]).toMatchObject({ code: 'cancelled' });
    expect(watched).toBe(0);
  });

  it('ends at once when its client left before', async () => {
    await server.close();
    const gone = Promise.withResolvers<void>();
    server = await serve(async (reply) => {
      reply.raw.once('close', gone.resolve);
      exchange.sent.destroy();
      await gone.promise;
      return run(reply);
    });
    const exchange = server.ask();
    const opened = Promise.withResolvers<void>();
    whenOpened = opened.resolve;
    await opened.promise;
    expect(await outcomes[0]).toMatchObject({ code: 'cancelled' });
  });

  it('tells no failure to nobody, but that the client left', async () => {
    work = (signal) => once(signal, 'abort').then(() => Promise.reject(new Error('broken')));
    const { sent } = await open();
    sent.destroy();
    expect(await outcomes[0]).toMatchObject({ code: 'cancelled' });
  });

  it('ends with the access of its caller, which the client is told', async () => {
    const exchange = await open();
    access.abort(new ProblemError('unauthenticated'));
    expect((await exchange.response).statusCode).toBe(401);
    expect(await bodyOf(exchange)).toBe('unauthenticated');
    expect(watched).toBe(0);
  });

  it('leaves no listener behind', async () => {
    const before: number[] = [];
    const after: number[] = [];
    work = async (_signal, { raw }) => void before.push(raw.listenerCount('close'));
    await server.close();
    server = await serve(async (reply) => {
      const count = reply.raw.listenerCount('close');
      await run(reply);
      after.push(reply.raw.listenerCount('close') - count);
      return '';
    });
    for (let n = 0; n < 20; n += 1) await bodyOf(server.ask());
    expect(before).toHaveLength(20);
    expect(new Set(after)).toEqual(new Set([0]));
    expect(getEventListeners(access.signal, 'abort')).toEqual([]);
    expect(watched).toBe(0);
  });

  describe('when the gateway stops', () => {
    beforeEach(() => {
      fakeTimer('Timeout');
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    it('ends at once if its client can resume it, else after 8 s', async () => {
      const signals: AbortSignal[] = [];
      work = (signal) => {
        signals.push(signal);
        return lasts(signal);
      };
      const lasting = await open();
      isResumable = true;
      await open();
      const stopped = streams.beforeApplicationShutdown();
      expect(await outcomes[1]).toBe(STOPPING);
      jest.advanceTimersByTime(DRAIN_MS - 1);
      expect(signals[0]?.aborted).toBe(false);
      jest.advanceTimersByTime(1);
      await stopped;
      expect(await outcomes[0]).toBe(STOPPING);
      expect((await lasting.response).statusCode).toBe(503);
    });

    it('may end by itself, and is then not waited for', async () => {
      const end = Promise.withResolvers<string>();
      work = () => end.promise;
      const exchange = await open();
      const stopped = streams.beforeApplicationShutdown();
      end.resolve('done');
      await stopped;
      expect(await bodyOf(exchange)).toBe('done');
      expect(jest.getTimerCount()).toBe(0);
    });

    it('ends likewise if it is opened only then', async () => {
      await open();
      const stopped = streams.beforeApplicationShutdown();
      isResumable = true;
      await open();
      expect(await outcomes[1]).toBe(STOPPING);
      isResumable = false;
      await open();
      jest.advanceTimersByTime(DRAIN_MS);
      await stopped;
      expect(await outcomes[2]).toBe(STOPPING);
      await open();
      expect(await outcomes[3]).toBe(STOPPING);
    });

    it('keeps nobody when nothing is open', async () => {
      await streams.beforeApplicationShutdown();
      expect(jest.getTimerCount()).toBe(0);
    });
  });
});

async function lasts(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  signal.throwIfAborted();
}
