import { Channels, keys, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import type { GrantedPermit, Health, Permit } from './breaker';
import { BreakerLimits } from './breaker-limits';
import { CircuitBreakers } from './circuit-breakers';

const connections: RedisClient[] = [];
afterAll(() => connections.forEach((connection) => connection.disconnect()));

function connect(role: 'commands' | 'subscriber'): RedisClient {
  const connection = testRedis(role);
  connections.push(connection);
  return connection;
}

/** As another process would have it. */
async function replica(limits: Partial<BreakerLimits> = {}) {
  const [redis, subscriber] = [connect('commands'), connect('subscriber')];
  const channels = new Channels(subscriber);
  const breakers = new CircuitBreakers(
    redis,
    channels,
    Object.assign(new BreakerLimits(), { flush_ms: 1, recheck_ms: 20, ...limits }),
  );
  const listening = Promise.withResolvers<void>();
  channels.listen(keys.breakers(), { onMessage: () => undefined, onSubscribed: listening.resolve });
  await Promise.all([whenReady(redis), listening.promise]);
  return { breakers, redis, subscriber };
}

type Replica = Awaited<ReturnType<typeof replica>>;
type Target = Parameters<CircuitBreakers['enter']>[0];

let target: Target;
beforeEach(() => {
  target = { provider_id: v7(), credential_id: v7() };
});

const enter = async ({ breakers }: Replica, whom = target): Promise<Permit> => breakers.enter(whom);
const state = ({ breakers }: Replica, whom = target) => breakers.state(whom);

/** So many calls with this outcome, told to Redis. */
async function make(through: Replica, count: number, health: Health): Promise<void> {
  const { calls } = await state(through);
  for (let n = 0; n < count; n += 1) {
    const permit = await enter(through);
    if (permit.granted) permit.report(health);
  }
  await until(async () => (await state(through)).calls === calls + count);
}

async function probe(through: Replica): Promise<GrantedPermit> {
  for (;;) {
    const permit = await enter(through);
    if (permit.granted) return permit;
  }
}

const refuses = (one: Replica) => async () => !(await enter(one)).granted;
const grants = (one: Replica) => async () => (await enter(one)).granted;

describe('a circuit breaker', () => {
  it('opens when half of ten calls failed, at whatever replica, and refuses at all of them', async () => {
    const [one, other] = [await replica(), await replica()];
    await make(one, 5, 'well');
    await make(other, 4, 'unwell');
    expect(await state(one)).toEqual({ state: 'closed', calls: 9, failures: 4, retry_at: null });
    expect((await enter(one)).granted).toBe(true);
    await make(other, 1, 'unwell');
    await until(refuses(one));
    await until(refuses(other));
    const refusal = await enter(one);
    expect(refusal).toMatchObject({ granted: false });
    if (!refusal.granted) expect(refusal.retry_after_ms).toBeLessThanOrEqual(60_000);
    const { retry_at, ...rest } = await state(other);
    expect(rest).toEqual({ state: 'open', calls: 10, failures: 5 });
    expect(Number(retry_at) - Date.now()).toBeGreaterThan(50_000);
  });

  it('stays closed with fewer calls, and with fewer failures', async () => {
    const one = await replica();
    await make(one, 9, 'unwell');
    expect(await state(one)).toMatchObject({ state: 'closed', failures: 9 });
    target = { provider_id: v7(), credential_id: v7() };
    await make(one, 20, 'well');
    await make(one, 19, 'unwell');
    expect(await state(one)).toMatchObject({ state: 'closed', calls: 39 });
    expect((await enter(one)).granted).toBe(true);
  });

  it('forgets what is older than its window', async () => {
    const one = await replica({ window_ms: 3000 });
    await make(one, 9, 'unwell');
    await until(async () => (await state(one)).calls === 0);
    await make(one, 1, 'unwell');
    expect(await state(one)).toMatchObject({ state: 'closed', calls: 1 });
  });

  it('does not count calls that tell nothing', async () => {
    const one = await replica();
    const permit = await enter(one);
    for (let n = 0; n < 20; n += 1) if (permit.granted) permit.report('unknown');
    await make(one, 1, 'well');
    expect(await state(one)).toMatchObject({ calls: 1, failures: 0 });
  });

  it('is one per provider and credential', async () => {
    const one = await replica();
    await make(one, 10, 'unwell');
    await until(refuses(one));
    for (const whom of [
      { ...target, credential_id: v7() },
      { ...target, provider_id: v7() },
    ])
      expect((await enter(one, whom)).granted).toBe(true);
  });

  it('costs no question to Redis while it is closed', async () => {
    const one = await replica();
    await enter(one);
    const asked = jest.spyOn(one.redis, 'sendCommand');
    for (let n = 0; n < 100; n += 1) expect(one.breakers.enter(target)).toMatchObject({ granted: true });
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
  });

  it('holds for a replica that comes later', async () => {
    const one = await replica();
    await make(one, 10, 'unwell');
    await until(refuses(one));
    expect((await enter(await replica())).granted).toBe(false);
  });

  it('is learned of by a replica that heard nothing, from what it tells', async () => {
    const [one, deaf] = [await replica(), await replica()];
    const permit = await enter(deaf);
    deaf.subscriber.disconnect();
    await make(one, 10, 'unwell');
    expect((await enter(deaf)).granted).toBe(true);
    if (permit.granted) permit.report('well');
    await until(refuses(deaf));
  });

  it('is asked for again by a replica that was cut off', async () => {
    const [one, cut] = [await replica(), await replica()];
    await enter(cut);
    cut.subscriber.disconnect(true);
    await make(one, 10, 'unwell');
    await until(refuses(cut));
  });
});

describe('a circuit breaker that has cooled', () => {
  /** Two replicas, to which the provider is due for a probe. */
  async function cooled(more: Partial<BreakerLimits> = {}): Promise<[Replica, Replica]> {
    const pair: [Replica, Replica] = [await replica({ ...more, cool_ms: 100 }), await replica(more)];
    await enter(pair[1]);
    await make(pair[0], 10, 'unwell');
    await until(async () => (await state(pair[0])).state === 'half_open');
    return pair;
  }

  it('lets one call of all replicas through', async () => {
    const pair = await cooled();
    await probe(pair[0]);
    const permits = await Promise.all(Array.from({ length: 40 }, (_, n) => enter(n % 2 ? pair[0] : pair[1])));
    expect(permits.filter(({ granted }) => granted)).toHaveLength(0);
    expect(await state(pair[0])).toMatchObject({ state: 'half_open', retry_at: null });
  });

  it('lets one through of many that come at the same moment', async () => {
    const pair = await cooled({ recheck_ms: 0 });
    const permits = await Promise.all(Array.from({ length: 40 }, (_, n) => enter(n % 2 ? pair[0] : pair[1])));
    expect(permits.filter(({ granted }) => granted)).toHaveLength(1);
  });

  it('closes everywhere, with a clean slate, when that one is well', async () => {
    const [one, other] = await cooled();
    (await probe(one)).report('well');
    await until(grants(one));
    await until(grants(other));
    expect(await state(other)).toEqual({ state: 'closed', calls: 0, failures: 0, retry_at: null });
  });

  it('opens again everywhere when it is not', async () => {
    const [one, other] = await cooled();
    (await probe(other)).report('unwell');
    await until(async () => (await state(one)).state === 'open');
    expect([await enter(one), await enter(other)]).toMatchObject([{ granted: false }, { granted: false }]);
  });

  it('lets another one through when the first tells nothing, or nobody hears of it any more', async () => {
    const [one, other] = await cooled({ probe_ms: 200 });
    const undecided = await probe(one);
    undecided.report('unknown');
    const lost = await probe(other);
    const second = await probe(one);
    lost.report('unwell');
    second.report('well');
    await until(grants(other));
    expect(await state(one)).toMatchObject({ state: 'closed' });
  });
});

describe('without Redis', () => {
  it('a circuit breaker is closed', async () => {
    const one = await replica();
    one.redis.disconnect();
    for (let n = 0; n < 20; n += 1) {
      const permit = await enter(one);
      expect(permit.granted).toBe(true);
      if (permit.granted) permit.report('unwell');
    }
  });
});
