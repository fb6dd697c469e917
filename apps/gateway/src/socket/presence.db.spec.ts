import { keys, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { roomOf, type ChatNamespace } from './chat-socket';
import { Presence } from './presence';

describe('presence', () => {
  let redis: RedisClient;
  let told: [string, string, boolean][];
  let id: string;
  let presences: Presence[];

  beforeAll(async () => {
    redis = testRedis('commands');
    await whenReady(redis);
  });
  beforeEach(() => {
    told = [];
    id = v7();
    presences = [];
  });
  afterEach(async () => {
    jest.useRealTimers();
    await Promise.all(presences.map((presence) => presence.onApplicationShutdown()));
  });
  afterAll(() => redis.disconnect());

  /** One gateway's: what it tells goes to the sockets of all. */
  function gateway(): Presence {
    const emit = (event: string, { user_id, ...data }: { user_id: string; is_online?: boolean; is_typing?: boolean }) =>
      told.push([event, user_id, data.is_online ?? data.is_typing ?? false]);
    const to = (room: string) => {
      expect(room).toBe(roomOf(id));
      return { emit, volatile: { emit } };
    };
    const presence = new Presence(redis);
    presence.tellIn({ to } as unknown as ChatNamespace);
    presences.push(presence);
    return presence;
  }

  const of = (user_id: string, socket_id = user_id) => ({ conversation_id: id, user_id, socket_id });

  it('is told once, however many sockets a user has, at whichever gateways', async () => {
    const [one, two] = [gateway(), gateway()];
    expect(await one.enter(of('ada'))).toEqual(['ada']);
    expect((await two.enter(of('bob'))).toSorted()).toEqual(['ada', 'bob']);
    await two.enter(of('ada', 'tablet'));
    await one.leave(of('ada'));
    expect(told).toEqual([
      ['presence', 'ada', true],
      ['presence', 'bob', true],
    ]);
    await two.leave(of('ada', 'tablet'));
    expect(told.slice(2)).toEqual([['presence', 'ada', false]]);
    await two.leave(of('bob'));
    expect(await redis.exists(keys.presence(id))).toBe(0);
  });

  it('of who typed ends when they send it, leave, or say it no more', async () => {
    const presence = gateway();
    await presence.enter(of('ada'));
    await presence.type(of('ada'), true);
    await presence.type(of('ada'), true);
    await presence.type(of('ada'), false);
    await presence.type(of('ada'), true);
    await presence.leave(of('ada'));
    expect(told.slice(1)).toEqual([
      ['typing', 'ada', true],
      ['typing', 'ada', false],
      ['typing', 'ada', true],
      ['typing', 'ada', false],
      ['presence', 'ada', false],
    ]);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'Date'] });
    await presence.enter(of('bob'));
    await presence.type(of('bob'), true);
    jest.advanceTimersByTime(6000);
    jest.useRealTimers();
    await until(() => told.length === 9);
    expect(told.at(-1)).toEqual(['typing', 'bob', false]);
  });

  it('at a gateway that died expires, which another one notices and tells', async () => {
    const [dead, other] = [gateway(), gateway()];
    await dead.enter(of('ada'));
    await dead.type(of('ada'), true);
    await other.enter(of('bob'));
    await dead.onApplicationShutdown();
    const entries = await redis.zrange(keys.presence(id), '0', '-1');
    const over = entries.filter((entry) => entry.includes('ada')).flatMap((entry) => [1, entry]);
    await redis.zadd(keys.presence(id), ...over);
    told = [];
    other.onApplicationBootstrap();
    await until(() => told.length === 2);
    expect(told.toSorted()).toEqual([
      ['presence', 'ada', false],
      ['typing', 'ada', false],
    ]);
  });
});
