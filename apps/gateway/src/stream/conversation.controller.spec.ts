import { once } from 'node:events';
import { ProblemError, type ConversationEvent } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';

const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
const NEXT = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e43';
const PATH = `/v1/conversations/${ID}/events`;

const message = {
  id: NEXT,
  conversation_id: ID,
  role: 'user',
  content: 'Hello',
  parent_message_id: null,
  attachments: [],
  run_id: ID,
  user_id: null,
  created_at: '2026-01-31T12:00:00.000Z',
};
const events: ConversationEvent[] = [
  { id: NEXT, type: 'message.created', data: message },
  { type: 'run.event', data: { run_id: ID, id: 1, type: 'token', data: { text: 'Hi' } } },
];

describe('the stream of a conversation', () => {
  let edge: TestEdge;
  let conversation: (signal: AbortSignal) => AsyncIterable<ConversationEvent>;
  let start: () => Promise<unknown>;

  beforeAll(async () => {
    edge = await startEdge({}, { methods: { read: () => start() }, conversation: (signal) => conversation(signal) });
  });
  beforeEach(() => {
    start = async () => ({ last_event_id: ID, runs: [] });
    conversation = async function* () {
      yield* events;
    };
  });
  afterAll(() => edge.close());

  const read = (query = '', headers: Record<string, string> = {}) =>
    edge.fetch(PATH + query, { headers: { ...bearer, ...headers } });

  it('tells its place first, then messages by their ids, and events of runs without any', async () => {
    const { status, headers, text } = await read();
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(text.split('\n\n')).toEqual([
      `id: ${ID}`,
      `id: ${NEXT}\nevent: message.created\ndata: ${JSON.stringify(message)}`,
      `event: run.event\ndata: {"run_id":"${ID}","id":1,"type":"token","data":{"text":"Hi"}}`,
      '',
    ]);
  });

  it('ends with the problem that it cannot go on for', async () => {
    conversation = async function* () {
      yield* events;
      throw new ProblemError('service_unavailable');
    };
    expect((await read()).text).toMatch(/\nevent: error\ndata: \{[^]*"code":"service_unavailable"/);
  });

  it('is refused as its conversation is', async () => {
    start = () => Promise.reject(new ProblemError('not_found'));
    expect(await read()).toMatchObject({ status: 404 });
  });

  it.each([
    ['?last_event_id=17', {}],
    ['', { 'last-event-id': '17' }],
    ['', { 'last-event-id': `${ID}\t` + 'x' }],
  ])('takes no place that is none (%s %j)', async (query, headers) => {
    const { status, text } = await read(query, headers);
    expect([status, JSON.parse(text)]).toMatchObject([
      400,
      { code: 'validation_failed', errors: [{ path: 'last_event_id' }] },
    ]);
  });

  it('is left by its client', async () => {
    const left = Promise.withResolvers<void>();
    conversation = async function* (signal) {
      yield* events;
      await once(signal, 'abort');
      left.resolve();
    };
    const socket = edge.connect();
    socket.write(`GET ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: ${bearer.authorization}\r\n\r\n`);
    await until(() => String(socket.read() ?? '').includes('run.event'));
    socket.destroy();
    await left.promise;
  });
});
