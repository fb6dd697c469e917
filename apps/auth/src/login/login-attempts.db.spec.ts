import { ProblemError } from '@taai/contracts';
import { keys, sha256, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { from, someIp } from '../auth.testing';
import { LoginAttempts } from './login-attempts';

let redis: RedisClient;
let attempts: LoginAttempts;

beforeAll(async () => {
  redis = testRedis('commands');
  await until(() => redis.status === 'ready');
  attempts = new LoginAttempts(redis);
});
afterAll(() => redis.disconnect());

const someone = () => `${crypto.randomUUID()}@example.com`;
const right = async () => 'in';
const wrong = () => Promise.reject(new ProblemError('invalid_credentials'));

/** 'in', or the code of the refusal. */
const attempt = (email: string, ip: string, check: () => Promise<string> = wrong): Promise<string> =>
  from(ip, () => attempts.attempt(email, check)).catch((error: unknown) => {
    if (!(error instanceof ProblemError)) throw error;
    return error.code;
  });

const repeat = async (count: number, work: () => Promise<string>) => {
  const results = new Set<string>();
  for (let n = 0; n < count; n++) results.add(await work());
  return [...results];
};

const accountKey = (email: string) => keys.loginFailures(sha256(email));

/** As if the wait were over, or long. */
const passWait = (key: string) => redis.hset(key, 'next', 0);
const prolongWait = (key: string) => redis.hset(key, 'next', Date.now() + 30_000);

async function now(): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

/** Asserts that the next attempt has to wait for so many seconds after a failure. */
async function expectWait(seconds: number, key: string, fail: () => Promise<string>): Promise<void> {
  const before = await now();
  expect(await fail()).toBe('invalid_credentials');
  const next = Number(await redis.hget(key, 'next')) - seconds * 1000;
  expect(next).toBeGreaterThanOrEqual(before);
  expect(next).toBeLessThanOrEqual(await now());
}

describe('LoginAttempts', () => {
  it('makes an account wait 1, 2, 4, … at most 60 seconds after 5 failures, from wherever it is tried', async () => {
    const email = someone();
    expect(await repeat(4, () => attempt(email, someIp()))).toEqual(['invalid_credentials']);
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await passWait(accountKey(email));
      await expectWait(seconds, accountKey(email), () => attempt(email, someIp()));
    }
    await expect(from(someIp(), () => attempts.attempt(email, right))).rejects.toMatchObject({
      code: 'rate_limited',
      status: 429,
      extras: { retry_after: 60 },
    });
  });

  it('does not look at what is tried while waiting, and neither counts it nor waits longer for it', async () => {
    const email = someone();
    await repeat(5, () => attempt(email, someIp()));
    await prolongWait(accountKey(email));
    const state = await redis.hgetall(accountKey(email));
    const check = jest.fn(wrong);

    expect(await repeat(20, () => attempt(email, someIp(), check))).toEqual(['rate_limited']);

    expect(check).not.toHaveBeenCalled();
    expect(await redis.hgetall(accountKey(email))).toEqual(state);
  });

  it('lets no more guesses through when they come at once', async () => {
    const email = someone();
    const check = jest.fn(wrong);

    await Promise.all(Array.from({ length: 50 }, () => attempt(email, someIp(), check)));

    expect(check).toHaveBeenCalledTimes(5);
  });

  it('answers everybody who is right, however many come at once', async () => {
    const email = someone();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => attempt(email, someIp(), right)));
    expect(new Set(outcomes)).toEqual(new Set(['in']));
  });

  it('does not count what was right or could not be looked at', async () => {
    const email = someone();
    const overloaded = () => Promise.reject(new ProblemError('overloaded'));
    await repeat(10, () => attempt(email, someIp(), right));
    await repeat(10, () => attempt(email, someIp(), overloaded));
    expect(await redis.hget(accountKey(email), 'failures')).toBe('0');
    expect(await attempt(email, someIp())).toBe('invalid_credentials');
  });

  it('never locks the owner out where they logged in before', async () => {
    const [email, home] = [someone(), someIp()];
    await attempt(email, home, right);
    await repeat(5, () => attempt(email, someIp()));
    await prolongWait(accountKey(email));

    expect(await attempt(email, someIp(), right)).toBe('rate_limited');
    expect(await attempt(email, home, right)).toBe('in');
  });

  it('slows guesses down where the owner logged in before, too, and these keep nobody waiting elsewhere', async () => {
    const [email, home] = [someone(), someIp()];
    await attempt(email, home, right);
    expect(await repeat(5, () => attempt(email, home))).toEqual(['invalid_credentials']);
    await prolongWait(keys.loginFailures(sha256(`${email} ${home}`)));
    expect(await attempt(email, home, right)).toBe('rate_limited');
    expect(await attempt(email, someIp(), right)).toBe('in');
    expect(await attempt(someone(), home, right)).toBe('in');
  });

  it('counts in a session what is tried in it, and that alone', async () => {
    const [email, ip, session] = [someone(), someIp(), crypto.randomUUID()];
    const tryIn = (session_id: string, check: () => Promise<string> = wrong) =>
      from(ip, () => attempts.attemptIn(session_id, check)).catch((error: ProblemError) => error.code);
    await repeat(20, () => attempt(someone(), ip));
    await repeat(5, () => attempt(email, someIp()));
    for (const key of [keys.networkFailures(ip), accountKey(email)]) await prolongWait(key);

    for (let n = 0; n < 5; n++) expect(await tryIn(session)).toBe('invalid_credentials');
    expect(await tryIn(session)).toBe('rate_limited');
    expect(await tryIn(crypto.randomUUID(), right)).toBe('in');
  });

  it('makes a network wait after 20 failures, whatever accounts it tries, but not who logged in there before', async () => {
    const [email, ip] = [someone(), someIp()];
    await attempt(email, ip, right);
    expect(await repeat(19, () => attempt(someone(), ip))).toEqual(['invalid_credentials']);
    for (const seconds of [1, 2, 4]) {
      await passWait(keys.networkFailures(ip));
      await expectWait(seconds, keys.networkFailures(ip), () => attempt(someone(), ip));
    }
    expect(await attempt(someone(), ip, right)).toBe('rate_limited');
    expect(await attempt(email, ip, right)).toBe('in');
    expect(await attempt(someone(), someIp(), right)).toBe('in');
  });

  it('lets one at a time through from a network that has to wait', async () => {
    const ip = someIp();
    await repeat(20, () => attempt(someone(), ip));
    await passWait(keys.networkFailures(ip));
    const check = jest.fn(wrong);
    await Promise.all(Array.from({ length: 10 }, () => attempt(someone(), ip, check)));
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('forgets within a quarter of an hour, and keeps no address', async () => {
    const [email, ip] = [someone(), someIp()];
    await attempt(email, ip);
    for (const key of [accountKey(email), keys.networkFailures(ip)]) {
      expect(await redis.pttl(key)).toBeGreaterThan(14 * 60_000);
      expect(await redis.pttl(key)).toBeLessThanOrEqual(15 * 60_000);
    }
    expect(await redis.keys(`*${email}*`)).toEqual([]);
  });

  it('trusts a network that the owner proved to be at', async () => {
    const [email, ip] = [someone(), someIp()];
    await from(ip, () => attempts.trust(email));
    await repeat(5, () => attempt(email, someIp()));
    await prolongWait(accountKey(email));
    expect(await attempt(email, ip, right)).toBe('in');
  });
});
