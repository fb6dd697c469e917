import { once } from 'node:events';
import { ProblemError } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';
import type { ServerSentEvent } from './sse';
import { fakeTimer } from './stream.testing';

const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
const PATH = `/v1/conversations/${ID}/messages`;
const message = { id: ID, conversation_id: ID, role: 'user', content: 'Hello', run_id: ID };
const started = { id: 1, type: 'run.started', data: {} };

describe('a message', () => {
  let edge: TestEdge;
  /** The events of the run that answers it. */
  let events: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>;
  /** What chat says when it is asked for the reply. */
  let reply: () => Promise<unknown>;
  let asked: number;

  beforeAll(async () => {
    const methods = {
      send: async () => ({ message, reply: null, run_id: ID }),
      reply: () => {
        asked += 1;
        return reply();
      },
    };
    edge = await startEdge({}, { methods, events: (signal) => events(signal) });
  });
  beforeEach(() => {
    asked = 0;
    reply = async () => ({ reply: { content: 'Hi!' } });
  });
  afterAll(() => edge.close());

  async function post(body: object) {
    const headers = { ...bearer, 'content-type': 'application/json' };
    const { status, text } = await edge.fetch(PATH, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status, text };
  }

  it('is answered with the reply, which chat is asked for when the run has ended', async () => {
    const end = Promise.withResolvers<ServerSentEvent>();
    let isRead = false;
    events = async function* () {
      yield started;
      isRead = true;
      yield await end.promise;
    };
    const answer = post({ content: 'Hello' });
    await until(() => isRead);
    expect(asked).toBe(0);
    end.resolve({ id: 2, type: 'run.completed', data: {} });
    const { status, text } = await answer;
    expect(status).toBe(201);
    expect(JSON.parse(text)).toEqual({ message, reply: { content: 'Hi!' }, run_id: ID });
  });

  it('is answered without a reply when the run waits for a person', async () => {
    events = async function* () {
      yield { id: 1, type: 'approval.required', data: {} };
      throw new Error('Nobody reads on.');
    };
    reply = async () => ({ reply: null });
    expect(JSON.parse((await post({ content: 'Hello' })).text)).toMatchObject({ reply: null, run_id: ID });
  });

  it('is answered with the events as they come, and chat is asked for nothing', async () => {
    events = async function* () {
      yield* [started, { id: 2, type: 'run.completed', data: {} }];
    };
    const { status, text } = await post({ content: 'Hello', stream: true });
    expect(status).toBe(200);
    expect(text).toMatch(/^id: 1\nevent: run.started\n[^]*\nid: 2\nevent: run.completed\n/);
    expect(asked).toBe(0);
  });

  it('is answered with what chat fails with', async () => {
    events = async function* () {
      yield { id: 1, type: 'run.failed', data: {} };
    };
    reply = () => Promise.reject(new ProblemError('not_found'));
    expect(await post({ content: 'Hello' })).toMatchObject({ status: 404 });
  });

  it('is answered although chat refuses to tell the reply for a while: the run was not refused', async () => {
    events = async function* () {
      yield { id: 1, type: 'run.completed', data: {} };
    };
    reply = () =>
      asked < 3 ? Promise.reject(new ProblemError('overloaded')) : Promise.resolve({ reply: { content: 'Hi!' } });
    expect(await post({ content: 'Hello' })).toMatchObject({ status: 201 });
    expect(asked).toBe(3);
  });

  it('is answered that the run goes on when chat does not tell the reply at all', async () => {
    events = async function* () {
      yield { id: 1, type: 'run.completed', data: {} };
    };
    reply = () => Promise.reject(new ProblemError('service_unavailable'));
    const { status, text } = await post({ content: 'Hello' });
    expect([status, JSON.parse(text)]).toMatchObject([
      504,
      { code: 'deadline_exceeded', detail: `The run goes on: read it at /v1/runs/${ID}.` },
    ]);
    expect(asked).toBe(5);
  });

  it('is answered that the run goes on when that takes too long', async () => {
    fakeTimer('Timeout');
    try {
      const reading = Promise.withResolvers<void>();
      events = async function* (signal) {
        yield started;
        reading.resolve();
        await once(signal, 'abort');
      };
      const answer = post({ content: 'Hello' });
      await reading.promise;
      jest.advanceTimersByTime(11 * 60_000);
      const { status, text } = await answer;
      expect([status, JSON.parse(text)]).toMatchObject([504, { code: 'deadline_exceeded' }]);
      expect(asked).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
