import { once } from 'node:events';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { noLimits, ProblemError, type ConversationEvent, type ConversationStart } from '@taai/contracts';
import { createRedis, REDIS, RpcClient, TokenSpending, whenReady, type RedisClient } from '@taai/platform';
import { redisUrl, testRedis, until } from '@taai/platform-testing';
import type { Caller } from '@taai/tenant';
import { io, type Socket } from 'socket.io-client';
import { v7 } from 'uuid';
import { DeniedAccess } from '../access/denied-access';
import { Principals, type Seen } from '../access/principals';
import { Concurrency } from '../admission/concurrency';
import { RateLimiter } from '../admission/rate-limiter';
import { ConversationEvents } from '../stream/conversation-events';
import { ConversationFollower } from '../stream/conversation-follower';
import { fakeTimer } from '../stream/stream.testing';
import { AdapterRedis } from './adapter-redis';
import { ChatEvents } from './chat-events';
import { ChatGateway } from './chat.gateway';
import { EventDispatcher } from './event-dispatcher';
import { Handshake } from './handshake';
import { Presence } from './presence';
import { RouteCalls } from './route-calls';
import { SocketAdapter } from './socket-adapter';

const tenant_id = v7();
const caller: Caller = { tenant_id, user_id: v7(), permissions: ['*:*'], issuer: 'gateway' };

describe('the gateway of sockets', () => {
  let redis: RedisClient;
  let apps: NestFastifyApplication[];
  let clients: Socket[];
  /** What a stream of any conversation brings. */
  let follow: (id: string, start: ConversationStart, signal: AbortSignal) => AsyncIterable<ConversationEvent>;
  /** By what each watch is aborted: of sockets, and of the conversations that they are in. */
  let watches: { control: AbortController; seen: Seen | undefined }[];
  let ends: number;
  let refusal: ProblemError | undefined;
  let places: number;
  let who: Caller;

  beforeEach(async () => {
    redis = testRedis('commands');
    await whenReady(redis);
    [apps, clients, watches] = [[], [], []];
    [ends, refusal, places, who] = [Infinity, undefined, 0, caller];
    follow = async function* (_id, _start, signal) {
      yield* await nothingUntil(signal);
    };
  });
  afterEach(async () => {
    jest.useRealTimers();
    clients.forEach((client) => client.disconnect());
    await Promise.all(apps.map((app) => app.close()));
    redis.disconnect();
  });

  async function start(): Promise<string> {
    const principals = {
      find: async () => {
        if (refusal) throw refusal;
        return who;
      },
      watch: (_: Caller, seen?: Seen) => {
        const watch = { control: new AbortController(), seen };
        watches.push(watch);
        return { signal: watch.control.signal, end: () => void watches.splice(watches.indexOf(watch), 1) };
      },
      limitsOf: () => noLimits,
      endOf: () => ends,
    };
    const place = async () => {
      places += 1;
      return () => (places -= 1);
    };
    const read = async ({ id, last_event_id = id }: { id: string; last_event_id?: string }) => ({
      last_event_id,
      runs: [],
    });
    const module = await Test.createTestingModule({
      providers: [
        ChatGateway,
        Handshake,
        Presence,
        EventDispatcher,
        ChatEvents,
        RouteCalls,
        { provide: REDIS, useValue: redis },
        { provide: RpcClient, useValue: { for: () => ({ read }) } },
        { provide: RateLimiter, useValue: {} },
        { provide: TokenSpending, useValue: {} },
        { provide: DeniedAccess, useValue: { count: () => undefined } },
        { provide: Principals, useValue: principals },
        { provide: Concurrency, useValue: { place } },
        { provide: ConversationEvents, useValue: { seen: (id: string) => ({ id, check: async () => undefined }) } },
        {
          provide: ConversationFollower,
          useValue: { follow: (...args: Parameters<typeof follow>) => follow(...args) },
        },
      ],
    }).compile();
    const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    const adapterRedis = new AdapterRedis(redis, (role) => createRedis(redisUrl(), { role, connectionName: 'spec' }));
    app.useWebSocketAdapter(new SocketAdapter(app, adapterRedis, () => true));
    apps.push(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async function connect(url: string): Promise<Socket> {
    const client = io(`${url}/chat`, { transports: ['websocket'], forceNew: true, auth: { token: 'good' } });
    clients.push(client);
    await until(() => client.connected);
    return client;
  }

  const closingOf = (client: Socket) =>
    new Promise<{ code: string }>((resolve) => client.once('closing', (closing: { code: string }) => resolve(closing)));

  const join = (client: Socket, conversation_id = v7()) =>
    client.emitWithAck('conversation:join', { conversation_id }) as Promise<{ ok: boolean }>;

  it('disconnects a client that does not read, with a bounded buffer, and says why', async () => {
    const url = await start();
    let given = 0;
    const content = 'x'.repeat(100_000);
    follow = async function* (conversation_id, _start, signal) {
      for (; !signal.aborted; given += 1) {
        const id = v7();
        const message = {
          id,
          conversation_id,
          role: 'user',
          content,
          run_id: null,
          parent_message_id: null,
          attachments: [],
          user_id: null,
          created_at: '',
        };
        yield { id, type: 'message.created', data: message };
      }
    };
    const client = await connect(url);
    const closing = closingOf(client);
    tcpOf(client).pause();
    fakeTimer('Timeout');
    client.emit('conversation:join', { conversation_id: v7() });
    // Until nothing more is taken: what fits into the buffers of both sides.
    let before = -1;
    while (given === 0 || given > before) {
      before = given;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(given * content.length).toBeLessThan(30_000_000);
    jest.advanceTimersByTime(10_000);
    await new Promise((resolve) => setImmediate(resolve));
    tcpOf(client).resume();
    expect(await closing).toMatchObject({ code: 'slow_reader' });
    jest.useRealTimers();
    await until(() => watches.length <= 1);
  });

  it('ends a socket with the access of its caller, and counts it no longer', async () => {
    const client = await connect(await start());
    expect([places, watches.length]).toEqual([1, 1]);
    const closing = closingOf(client);
    watches[0]?.control.abort(new ProblemError('tenant_suspended'));
    expect(await closing).toMatchObject({ code: 'tenant_suspended' });
    await until(() => places === 0 && watches.length === 0);
    expect(client.active).toBe(false);
  });

  it('ends a socket when its token expires', async () => {
    fakeTimer('Timeout');
    const url = await start();
    ends = Date.now() + 3000;
    const client = io(`${url}/chat`, { transports: ['websocket'], forceNew: true, auth: { token: 'good' } });
    clients.push(client);
    await once(client as never, 'connect');
    jest.advanceTimersByTime(2900);
    refusal = new ProblemError('unauthenticated', 'The access token has expired.');
    const closing = closingOf(client);
    jest.advanceTimersByTime(200);
    expect(await closing).toMatchObject({ code: 'unauthenticated' });
  });

  it('takes a socket out of a conversation that its user may not see any longer, and leaves it in others', async () => {
    const client = await connect(await start());
    const [gone, other] = [v7(), v7()];
    const left: unknown[] = [];
    client.on('conversation.left', (data) => left.push(data));
    expect([await join(client, gone), await join(client, other)]).toMatchObject([{ ok: true }, { ok: true }]);
    watches.find(({ seen }) => seen?.id === gone)?.control.abort(new ProblemError('not_found'));
    await until(() => left.length > 0);
    expect(left).toMatchObject([{ conversation_id: gone, code: 'not_found' }]);
    expect(watches.map(({ seen }) => seen?.id)).toEqual([undefined, other]);
    expect(await client.emitWithAck('conversation:leave', { conversation_id: other })).toEqual({ ok: true });
    await until(() => watches.length === 1);
    expect(left).toHaveLength(1);
  });

  it('follows a conversation once that is joined again, after the message that is named then', async () => {
    const starts: string[] = [];
    follow = async function* (_id, { last_event_id }, signal) {
      starts.push(last_event_id);
      yield* await nothingUntil(signal);
    };
    const client = await connect(await start());
    const left: unknown[] = [];
    client.on('conversation.left', (data) => left.push(data));
    const [conversation_id, last_event_id] = [v7(), v7()];
    await join(client, conversation_id);
    await client.emitWithAck('conversation:join', { conversation_id, last_event_id });
    await until(() => watches.length === 2);
    expect([starts, left]).toEqual([[conversation_id, last_event_id], []]);
    watches.find(({ seen }) => seen)?.control.abort(new ProblemError('not_found'));
    await until(() => left.length === 1);
    await until(() => watches.length === 1);
  });

  it('has a socket in so many conversations at most', async () => {
    const client = await connect(await start());
    const again = v7();
    expect(await join(client, again)).toMatchObject({ ok: true });
    // Again, where the flood limit has it wait.
    for (let n = 1; n < 50; n += 1) await until(async () => (await join(client)).ok);
    await until(async () => ((await join(client)) as { error?: { code: string } }).error?.code === 'too_many_streams');
    await until(async () => (await join(client, again)).ok);
    expect(watches).toHaveLength(51);
  });

  it('asks of each event whether its sender still may', async () => {
    const client = await connect(await start());
    who = { ...caller, permissions: [] };
    expect(await join(client)).toMatchObject({ ok: false, error: { code: 'forbidden' } });
    refusal = new ProblemError('service_unavailable');
    expect(await join(client)).toMatchObject({ ok: false, error: { code: 'service_unavailable', retry_after: 1 } });
  });

  it('that stops has its clients connect again by themselves, and come back into their conversations elsewhere', async () => {
    const [url, other] = [await start(), await start()];
    const starts: [string, string][] = [];
    follow = async function* (id, { last_event_id }, signal) {
      starts.push([id, last_event_id]);
      yield* await nothingUntil(signal);
    };
    const client = await connect(url);
    const conversation = v7();
    let presences = 0;
    client.on('presence', () => (presences += 1));
    await join(client, conversation);
    await until(() => presences > 0);
    const closing = closingOf(client);
    Reflect.set(client.io, 'uri', other);
    await apps[0]?.close();
    expect(await closing).toMatchObject({ code: 'service_unavailable' });
    await until(() => client.connected && client.recovered);
    await until(() => starts.length === 2);
    expect(starts).toEqual([
      [conversation, conversation],
      [conversation, conversation],
    ]);
    apps.shift();
  });

  it('tells who was cut off before they heard of it that they were taken out', async () => {
    const client = await connect(await start());
    const [gone, kept] = [v7(), v7()];
    let presences = 0;
    const left: unknown[] = [];
    client.on('presence', () => (presences += 1)).on('conversation.left', (data) => left.push(data));
    for (const id of [gone, kept]) await join(client, id);
    await until(() => presences > 1);
    // What comes now gets lost with the connection.
    Reflect.set(webSocketOf(client), 'onmessage', () => undefined);
    watches.find(({ seen }) => seen?.id === gone)?.control.abort(new ProblemError('not_found'));
    await until(() => watches.length === 2);
    tcpOf(client).destroy();
    await until(() => client.connected && client.recovered);
    await until(() => watches.length === 2);
    expect(await join(client)).toMatchObject({ ok: true });
    expect(left).toMatchObject([{ conversation_id: gone, code: 'not_found' }]);
    // Joined again, nothing is left to be told.
    expect(await join(client, gone)).toMatchObject({ ok: true });
    tcpOf(client).destroy();
    await until(() => !client.connected);
    await until(() => client.connected && client.recovered);
    await until(() => watches.length === 4);
    expect(left).toHaveLength(1);
  });

  it('recovers nobody as somebody else', async () => {
    const url = await start();
    const starts: string[] = [];
    follow = async function* (id, _start, signal) {
      starts.push(id);
      yield* await nothingUntil(signal);
    };
    const client = await connect(url);
    let presences = 0;
    client.on('presence', () => (presences += 1));
    await join(client);
    await until(() => presences > 0);
    who = { ...caller, user_id: v7() };
    const back = once(client as never, 'connect');
    client.io.engine.close();
    await back;
    expect(await join(client)).toMatchObject({ ok: true });
    expect(starts).toHaveLength(2);
  });
});

async function nothingUntil(signal: AbortSignal): Promise<never[]> {
  if (!signal.aborted) await once(signal, 'abort');
  return [];
}

const webSocketOf = (client: Socket): object => Object(Reflect.get(client.io.engine.transport, 'ws'));

/** What a client's WebSocket reads from. */
const tcpOf = (client: Socket) => Reflect.get(webSocketOf(client), '_socket') as TcpSocket;
