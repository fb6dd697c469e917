import { keys, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { HourlyLimit } from './hourly-limit';

let redis: RedisClient;

beforeAll(async () => {
  redis = testRedis('commands');
  await until(() => redis.status === 'ready');
});
afterAll(() => redis.disconnect());

const refused = { code: 'rate_limited', status: 429, extras: { retry_after: 3600 } };

describe('HourlyLimit', () => {
  it('lets so many through, and says how long to wait', async () => {
    const whose = crypto.randomUUID();
    const limit = new HourlyLimit(redis, 'spec', 2);
    await limit.take(whose);
    await limit.check(whose);
    await limit.check(whose);
    await limit.take(whose);
    await expect(limit.check(whose)).rejects.toMatchObject(refused);
    await expect(limit.take(whose)).rejects.toMatchObject(refused);
    await limit.take(crypto.randomUUID());
  });

  it('is not fooled by many at once', async () => {
    const [whose, limit] = [crypto.randomUUID(), new HourlyLimit(redis, 'spec', 3)];
    const allowed = await Promise.all(Array.from({ length: 20 }, () => limit.allows(whose)));
    expect(allowed.filter(Boolean)).toHaveLength(3);
  });

  it('begins a new hour when the old one is over', async () => {
    const [whose, limit] = [crypto.randomUUID(), new HourlyLimit(redis, 'spec', 1)];
    await limit.take(whose);
    expect(await redis.pttl(keys.hourly('spec', whose))).toBeLessThanOrEqual(3_600_000);
    await redis.del(keys.hourly('spec', whose));
    await limit.take(whose);
  });
});
