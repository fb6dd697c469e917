import { randomUUID } from 'node:crypto';
import { keys, TokenSpending, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { decide } from './rate-decision';
import type { RateLevel, RateScope } from './rate-levels';
import { RateLimiter } from './rate-limiter';

const WINDOW = 60_000_000;

let redis: RedisClient;
let limiter: RateLimiter;

beforeAll(async () => {
  redis = testRedis('commands');
  await whenReady(redis);
  limiter = new RateLimiter(redis);
});
afterAll(() => redis.disconnect());

const level = (name: RateLevel['name'], per_minute: number, amount = 1, field: string = name): RateLevel => ({
  name,
  field,
  per_minute,
  amount,
});

/** Levels of somebody whom no other test knows. */
const scope = (...levels: RateLevel[]): RateScope => ({ whose: randomUUID(), levels });

const remaining = async (of: RateScope) => (await limiter.read(of)).map(({ remaining }) => remaining);

const times = async (count: number, of: RateScope) => {
  const decisions = await Promise.all(Array.from({ length: count }, () => limiter.take(of, false)));
  return decisions.filter(({ refusal }) => !refusal).length;
};

describe('a decision', () => {
  it('admits as many at once as the limit is, and says what is left and when', async () => {
    const one = scope(level('tenant', 3));
    const states = [];
    for (let turn = 0; turn < 3; turn += 1) states.push(...(await limiter.take(one, false)).states);
    expect(states.map(({ remaining, reset_seconds }) => [remaining, reset_seconds])).toEqual([
      [2, 20],
      [1, 40],
      [0, 60],
    ]);
    const { refusal } = await limiter.take(one, false);
    expect(refusal).toEqual({ level: one.levels[0], retry_after: 20 });
  });

  it('takes nothing from tenant or user where the endpoint refuses, and so with each', async () => {
    const levels = [level('tenant', 10), level('user', 10), level('endpoint', 10)];
    for (const scarce of [0, 1, 2]) {
      const one = scope(...levels.map((each, index) => (index === scarce ? { ...each, per_minute: 2 } : each)));
      expect(await times(6, one)).toBe(2);
      expect(await remaining(one)).toEqual(levels.map((_, index) => (index === scarce ? 0 : 8)));
      expect((await limiter.take(one, false)).refusal?.level).toBe(one.levels[scarce]);
    }
  });

  it('waits for the level that takes longest', async () => {
    const one = scope(level('tenant', 60), level('endpoint', 1));
    await times(1, one);
    const all = { ...one, levels: [level('tenant', 60, 60), level('endpoint', 1)] };
    expect((await limiter.take(all, false)).refusal).toEqual({ level: all.levels[0], retry_after: 60 });
  });

  it('is that of the same rule in TypeScript, whatever is asked', async () => {
    const take = jest.spyOn(redis, 'takeRates');
    for (let round = 0; round < 20; round += 1) {
      const known = new Map<string, number>();
      const whose = randomUUID();
      for (let turn = 0; turn < 40; turn += 1) {
        const levels = someLevels();
        await limiter.take({ whose, levels }, false);
        const [isAdmitted, now = 0, ...fullAt] = await (take.mock.results.at(-1)?.value as Promise<number[]>);
        const [expected, expectedAt] = decide(
          levels,
          levels.map(({ field }) => known.get(field) ?? now),
          now,
        );
        expect([isAdmitted === 1, fullAt]).toEqual([expected, expectedAt]);
        levels.forEach(({ field }, index) => known.set(field, expectedAt[index] ?? now));
      }
    }
    take.mockRestore();
  });

  it('takes nothing by being read', async () => {
    const one = scope(level('tenant', 5), level('user', 3));
    await times(1, one);
    expect(await remaining(one)).toEqual([4, 2]);
    expect(await remaining(one)).toEqual([4, 2]);
  });
});

const anyOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T;
const limits = [1, 2, 3, 7, 60, 777, 12_000, 7_000_000, 900_000_000];

/** One to three levels, of some fields that come again with other limits. */
const someLevels = (): RateLevel[] =>
  ['tenant', 'user:a', 'endpoint:a b'].slice(0, 1 + Math.floor(Math.random() * 3)).map((field) => {
    const per_minute = anyOf(limits);
    return level('tenant', per_minute, anyOf([1, 2, per_minute]), field);
  });

describe('tokens', () => {
  const spending = () => new TokenSpending(redis);
  const tokensOf = async (one: RateScope) => (await remaining(one))[0];

  it('that a call used are taken at its end, and those that were held are given back', async () => {
    const one = scope(level('tokens', 6_000_000, 1000));
    await limiter.take(one, true);
    spending().spend(one.whose, 2_000_000);
    spending().spend(one.whose, -1000);
    // What comes back by the minute is some thousands a spec's while.
    await until(async () => Math.abs(((await tokensOf(one)) ?? 0) - 4_000_000) < 1_500_000);
  });

  it('that were not there make the next one wait, an hour at most', async () => {
    const one = scope(level('tokens', 1000, 1));
    await limiter.take(one, true);
    spending().spend(one.whose, 5000);
    const wait = async () => (await limiter.take(one, true)).refusal?.retry_after ?? 0;
    await until(async () => (await wait()) > 0);
    expect(await wait()).toBeLessThanOrEqual(241);
    spending().spend(one.whose, 900_000);
    await until(async () => (await wait()) > 300);
    expect(await wait()).toBeLessThanOrEqual(3600);
  });

  it('count for nobody without a limit', async () => {
    const whose = randomUUID();
    expect(await redis.spendTokens(keys.rates(whose), 50)).toBe(0);
    expect(await redis.exists(keys.rates(whose))).toBe(0);
  });
});

describe('the hash', () => {
  it('goes by itself', async () => {
    const one = scope(level('network', 10));
    await limiter.take(one, false);
    expect(await redis.pttl(keys.rates(one.whose))).toBeGreaterThan(0);
    expect(await redis.pttl(keys.rates(one.whose))).toBeLessThanOrEqual(2 * WINDOW);
  });

  it('is no larger than those who take of it now, however many have', async () => {
    const whose = randomUUID();
    const visit = (n: number) => limiter.take({ whose, levels: [level('user', WINDOW, 1, `user:${n}`)] }, false);
    for (let batch = 0; batch < 20; batch += 1)
      await Promise.all(Array.from({ length: 100 }, (_, n) => visit(batch * 100 + n)));
    expect(await redis.hlen(keys.rates(whose))).toBeLessThan(500);
  });

  it('keeps those whose limit is not full again', async () => {
    const whose = randomUUID();
    const visit = (n: number) => limiter.take({ whose, levels: [level('user', 10, 1, `user:${n}`)] }, false);
    await Promise.all(Array.from({ length: 600 }, (_, n) => visit(n)));
    const found = await limiter.read({
      whose,
      levels: Array.from({ length: 600 }, (_, n) => level('user', 10, 1, `user:${n}`)),
    });
    expect(new Set(found.map((state) => state.remaining))).toEqual(new Set([9]));
  });
});
