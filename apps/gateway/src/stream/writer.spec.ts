import { once } from 'node:events';
import { ProblemError } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import type { FastifyReply } from 'fastify';
import { bodyOf, serve, type AnswerServer } from './stream.testing';
import { beginAnswer, writeAll } from './writer';

const PIECE = 'x'.repeat(100_000);
const COUNT = 300;

describe('a body that is written piece by piece', () => {
  let server: AnswerServer;
  let asked: number;
  let reply: FastifyReply | undefined;
  let control: AbortController;
  let written: Promise<unknown>;
  let listenersBefore: number;
  let patience_ms: number | undefined;

  beforeEach(async () => {
    asked = 0;
    patience_ms = undefined;
    reply = undefined;
    control = new AbortController();
    server = await serve(async (answer) => {
      reply = answer;
      void answer.header('x-hook', 'set');
      beginAnswer(answer, { 'content-type': 'text/plain' });
      listenersBefore = listeners();
      const writing = writeAll(answer, pieces(), {
        format: (n) => `${n};${PIECE}`,
        signal: control.signal,
        ...(patience_ms !== undefined && { patience_ms }),
      });
      written = writing.catch((error: unknown) => error);
      await written;
      answer.raw.end();
    });
  });
  afterEach(() => server.close());

  async function* pieces(): AsyncGenerator<number> {
    for (; asked < COUNT; asked += 1) yield asked;
  }

  const listeners = () => (reply?.raw.listenerCount('drain') ?? 0) + (reply?.raw.listenerCount('timeout') ?? 0);

  /** Until the buffers between the two are full; what those hold, the system decides. */
  async function stall(): Promise<void> {
    let before = -1;
    await until(() => {
      const isSteady = asked === before && reply?.raw.writableNeedDrain === true;
      before = asked;
      return isSteady;
    });
  }

  it('waits for a client that does not read, and goes on when it does', async () => {
    const exchange = server.ask();
    const response = await exchange.response;
    await stall();
    expect(asked).toBeLessThan(COUNT);
    expect(response.headers).toMatchObject({ 'content-type': 'text/plain', 'x-hook': 'set' });
    const body = await bodyOf(exchange);
    expect(body).toBe(Array.from({ length: COUNT }, (_, n) => `${n};${PIECE}`).join(''));
    expect(listeners()).toBe(listenersBefore);
  });

  it('ends with its signal while the client does not read, and leaves no listener', async () => {
    const { sent, response } = server.ask();
    await response;
    await stall();
    const reason = new ProblemError('unauthenticated');
    control.abort(reason);
    expect(await written).toBe(reason);
    expect(listeners()).toBe(listenersBefore);
    sent.destroy();
    await once(sent, 'close');
    expect(asked).toBeLessThan(COUNT);
  });

  it('gives a client up that takes nothing for too long, and leaves no listener', async () => {
    patience_ms = 50;
    const { sent, response } = server.ask();
    await response;
    expect(await written).toMatchObject({ code: 'slow_reader' });
    expect(asked).toBeLessThan(COUNT);
    expect([listeners(), reply?.raw.socket?.timeout ?? 0]).toEqual([listenersBefore, 0]);
    sent.destroy();
  });

  it('bears with one that is slow', async () => {
    patience_ms = 1000;
    const exchange = server.ask();
    const response = await exchange.response;
    let bytes = 0;
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bytes).toBeGreaterThan(COUNT * PIECE.length);
    expect(listeners()).toBe(listenersBefore);
  });
});
