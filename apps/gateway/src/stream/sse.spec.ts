import { ProblemError } from '@taai/contracts';
import { log } from '@taai/platform';
import { STOPPING } from './open-streams';
import { answerEvents, plainEvents, writeEvents, type ServerSentEvent } from './sse';
import { bodyOf, fakeTimer, serve, type AnswerServer } from './stream.testing';

const SILENCE_MS = 15_000;

describe('server-sent events', () => {
  let server: AnswerServer;
  let control: AbortController;

  beforeEach(() => {
    control = new AbortController();
  });
  afterEach(() => server.close());

  async function answer(events: () => AsyncIterable<ServerSentEvent>): Promise<string> {
    server = await serve((reply) => answerEvents(reply, events(), plainEvents, control.signal));
    return bodyOf(server.ask());
  }

  const first = { id: 1, type: 'token', data: { text: 'Hi' } };
  const FIRST = 'id: 1\nevent: token\ndata: {"text":"Hi"}\n\n';

  it('end with the last one', async () => {
    const body = await answer(async function* () {
      yield first;
    });
    expect(body).toBe(FIRST);
  });

  it('end with an event that says what failed', async () => {
    const body = await answer(async function* () {
      yield first;
      throw new ProblemError('service_unavailable');
    });
    expect(body).toMatch(/^id: 1[^]*\n\nevent: error\ndata: \{[^\n]*"code":"service_unavailable"[^\n]*\}\n\n$/);
  });

  it('end with a failure of ours, which is reported and not told', async () => {
    const error = jest.spyOn(log, 'error').mockReturnValue();
    const failure = new Error('password is hunter2');
    const body = await answer(async function* () {
      yield first;
      throw failure;
    });
    expect(body).toMatch(/"code":"internal"/);
    expect(body).not.toContain('hunter2');
    expect(error).toHaveBeenCalledWith({ err: failure }, 'unexpected error');
    error.mockRestore();
  });

  it.each([
    ['the access', new ProblemError('unauthenticated'), /event: error\ndata: .*"code":"unauthenticated"/],
    ['the gateway', STOPPING, /^id: 1\n.*\n.*\n\nretry: 1000\n\n$/],
  ])('end with %s, which the client is told', async (_, reason, expected) => {
    const body = await answer(async function* () {
      yield first;
      control.abort(reason);
    });
    expect(body).toMatch(expected);
  });

  /** Endless events for a client that does not read. Waits of at least as many milliseconds are a hundred times shorter. */
  async function stall(shortened: number) {
    async function* many() {
      for (let id = 1; !control.signal.aborted; id += 1)
        yield { id, type: 'token', data: { text: 'x'.repeat(100_000) } };
    }
    const [answered, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    server = await serve(async (reply) => {
      const wait = reply.raw.setTimeout.bind(reply.raw);
      reply.raw.setTimeout = (ms, callback) => wait(ms < shortened ? ms : ms / 100, callback);
      reply.raw.once('close', closed.resolve);
      await answerEvents(reply, many(), plainEvents, control.signal);
      answered.resolve();
    });
    const exchange = server.ask();
    await exchange.response;
    await answered.promise;
    return { exchange, closed: closed.promise };
  }

  it('end for a client that does not read, which is told so if it reads at last', async () => {
    const { exchange } = await stall(10_000);
    expect(await bodyOf(exchange)).toMatch(/event: error\ndata: .*"code":"slow_reader"/);
  });

  it('end for a client that does not read, and break off if it still does not', async () => {
    const { exchange, closed } = await stall(5000);
    await closed;
    await expect(bodyOf(exchange)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('break off with the gateway for clients that do not come again by themselves', async () => {
    const byFetch = { ...plainEvents, again: undefined };
    server = await serve((reply) => answerEvents(reply, events(), byFetch, control.signal));
    async function* events() {
      yield first;
      control.abort(STOPPING);
    }
    await expect(bodyOf(server.ask())).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('have headers, an end and silent events of their encoding', async () => {
    const format = (event: ServerSentEvent) => (event.id === 1 ? '' : plainEvents.format(event));
    const encoding = { ...plainEvents, headers: { 'x-told': 'yes' }, format, end: 'data: END\n\n' };
    server = await serve((reply) => answerEvents(reply, events(), encoding, control.signal));
    async function* events() {
      yield first;
      yield { ...first, id: 2 };
    }
    const exchange = server.ask();
    expect((await exchange.response).headers['x-told']).toBe('yes');
    expect(await bodyOf(exchange)).toBe(`${FIRST.replace('1', '2')}data: END\n\n`);
  });

  it('are kept alive by comments, of which an early one begins the answer', async () => {
    fakeTimer('Interval');
    try {
      const late = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      server = await serve(async (reply) => {
        const writing = writeEvents(reply, pieces(), { format: (text) => text, signal: control.signal });
        begun.resolve();
        await writing;
        reply.raw.end();
      });
      async function* pieces() {
        yield await late.promise;
      }
      const exchange = server.ask();
      await begun.promise;
      jest.advanceTimersByTime(SILENCE_MS);
      expect((await exchange.response).headers['content-type']).toBe('text/event-stream; charset=utf-8');
      jest.advanceTimersByTime(SILENCE_MS);
      late.resolve('data: late\n\n');
      expect(await bodyOf(exchange)).toBe(':\n\n:\n\ndata: late\n\n');
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
