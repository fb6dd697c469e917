import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { keys } from '../redis/keys';
import { createRedis, whenReady, type RedisClient } from '../redis/redis';
import { redisUrl } from '../testing';
import { RunLogRoom } from './run-log-room';
import { RunLogWriter } from './run-log-writer';

const BYTES = 4000;

describe('The logs of ended runs', () => {
  let redis: RedisClient;
  let room: RunLogRoom;

  beforeAll(async () => {
    // A database of its own: elsewhere logs are read that must not be dropped.
    redis = createRedis(new URL('/7', redisUrl()).href, { role: 'commands', connectionName: 'spec' });
    await whenReady(redis);
    room = new RunLogRoom(redis);
  });
  afterAll(() => redis.disconnect());

  /** Writes the log of a run and ends it; resolves to the run. */
  async function end(tenant_id: string, most?: number): Promise<string> {
    // As runs have: of two that end in one millisecond the older one goes first.
    const run = v7();
    const writer = new RunLogWriter(redis, run);
    writer.append('token', { text: 'x'.repeat(BYTES) });
    await writer.close();
    await room.ended(tenant_id, run, most);
    return run;
  }

  const hasLog = async (run: string) => (await redis.exists(keys.runLog(run), keys.runLogOwner(run))) === 2;

  const haveLogs = (runs: string[]) => Promise.all(runs.map(hasLog));

  it('take so many bytes per tenant, and the oldest go first', async () => {
    const [tenant, other] = [randomUUID(), randomUUID()];
    const bystander = await end(other, 3 * BYTES);
    const runs: string[] = [];
    for (let n = 0; n < 4; n++) runs.push(await end(tenant, 3 * BYTES));
    expect(await haveLogs(runs)).toEqual([false, false, true, true]);
    expect(await hasLog(bystander)).toBe(true);
    expect(Number(await redis.get(keys.runLogBytes(tenant)))).toBeLessThanOrEqual(3 * BYTES);
    expect(await redis.zcard(keys.runLogs(tenant))).toBe(2);
  });

  it('that have expired are counted no longer', async () => {
    const tenant = randomUUID();
    const old = await end(tenant);
    const [member = ''] = await redis.zrange(keys.runLogs(tenant), 0, 0);
    await redis.zadd(keys.runLogs(tenant), 1, member);
    await end(tenant);
    expect(await redis.zcard(keys.runLogs(tenant))).toBe(1);
    expect(await hasLog(old)).toBe(false);
  });

  it('go from the oldest on while Redis is short of memory', async () => {
    const runs = [await end(randomUUID()), await end(randomUUID())];
    let looks = 0;
    expect(await room.relieve(async () => looks++ < 1000 && (await hasLog(runs[0] as string)))).toBeGreaterThan(0);
    expect(await hasLog(runs[0] as string)).toBe(false);
    expect(await room.relieve()).toBe(0);
  });
});
