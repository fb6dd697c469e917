import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { noLimits, type ProblemError } from '@taai/contracts';
import { keys, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { runAs, type Caller } from '@taai/tenant';
import type { Principals } from '../access/principals';
import { Concurrency } from './concurrency';

const LIMIT = 8;

let redis: RedisClient;

beforeAll(async () => {
  redis = testRedis('commands');
  await whenReady(redis);
});
afterAll(() => redis.disconnect());

const newTenant = (): Caller => ({ tenant_id: randomUUID(), permissions: [], issuer: 'gateway' });

const allowing = (open_streams: number | null): Pick<Principals, 'limitsOf'> => ({
  limitsOf: () => ({ ...noLimits, open_streams }),
});

/** One gateway's. */
const newGateway = (limit: number | null = LIMIT, client = redis) =>
  new Concurrency(client, allowing(limit) as Principals);

const response = () => new ServerResponse(new IncomingMessage(new Socket()));

const take = (gateway: Concurrency, caller: Caller, answer = response()) =>
  runAs(caller, () => gateway.take('open_streams', answer)).then(
    () => 'taken',
    ({ code }: ProblemError) => code,
  );

describe('Streams of a tenant', () => {
  it('are as many as its limit at all gateways together, however many ask at once', async () => {
    const [caller, gateways] = [newTenant(), [newGateway(), newGateway(), newGateway()]];
    const outcomes = await Promise.all(
      gateways.flatMap((gateway) => Array.from({ length: 10 }, () => take(gateway, caller))),
    );
    expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(LIMIT);
    expect(await gateways[0]?.inUse('open_streams', caller.tenant_id)).toBe(LIMIT);
    expect(await take(gateways[1] as Concurrency, caller)).toBe('too_many_streams');
    expect(await take(gateways[1] as Concurrency, newTenant())).toBe('taken');
  });

  it('of its links are as many as they may be, whoever asks', async () => {
    const [share, gateways, answer] = [randomUUID(), [newGateway(), newGateway()], response()];
    const follow = (gateway: Concurrency | undefined, to = response()) =>
      gateway?.takeShared('link_streams', share, 2, to).then(
        () => 'taken',
        ({ code }: ProblemError) => code,
      );
    expect([await follow(gateways[0], answer), await follow(gateways[1])]).toEqual(['taken', 'taken']);
    expect(await follow(gateways[1])).toBe('too_many_streams');
    answer.emit('close');
    await until(async () => (await follow(gateways[1])) === 'taken');
  });

  it('name the limit that refuses them', async () => {
    const [caller, gateway] = [newTenant(), newGateway()];
    for (let n = 0; n < LIMIT; n++) await take(gateway, caller);
    await expect(runAs(caller, () => gateway.take('open_streams', response()))).rejects.toMatchObject({
      code: 'too_many_streams',
      message: `The tenant may have ${LIMIT} open streams at once (open_streams).`,
      retry_after: 1,
    });
  });

  it('leave their places when they are over', async () => {
    const [caller, here, there] = [newTenant(), newGateway(), newGateway()];
    const answers = Array.from({ length: LIMIT }, response);
    for (const answer of answers) await take(here, caller, answer);
    expect(await take(there, caller)).toBe('too_many_streams');
    for (const answer of answers) answer.emit('close');
    await until(async () => (await take(there, caller)) === 'taken');
  });

  it('of a gateway that died leave theirs when its lease has ended', async () => {
    const [caller, dead, there] = [newTenant(), newGateway(), newGateway()];
    for (let n = 0; n < LIMIT; n++) await take(dead, caller);
    expect(await take(there, caller)).toBe('too_many_streams');
    const key = keys.concurrency(caller.tenant_id, 'open_streams');
    const [[me = ''] = []] = Object.entries(await redis.hgetall(key));
    // The lease ends by Redis' clock: as if it had passed.
    await redis.hset(key, me, `${LIMIT}:0:1`);
    expect(await take(there, caller)).toBe('taken');
    expect(await redis.pttl(key)).toBeGreaterThan(0);
  });

  it('are never more than the limit where gateways have places in advance, and all of them can be had', async () => {
    const [caller, limit] = [newTenant(), 200];
    const gateways = [newGateway(limit), newGateway(limit), newGateway(limit)];
    const all = gateways.flatMap((gateway) => Array.from({ length: 100 }, () => gateway));
    const outcomes = await Promise.all(all.map((gateway) => take(gateway, caller)));
    let taken = outcomes.filter((outcome) => outcome === 'taken').length;
    expect(taken).toBeLessThanOrEqual(limit);
    for (const gateway of gateways) {
      await gateway.inUse('open_streams', caller.tenant_id);
      while ((await take(gateway, caller)) === 'taken') taken += 1;
    }
    expect(taken).toBe(limit);
  });

  it('ask Redis once for many while many places are free, and never without a limit', async () => {
    const caller = newTenant();
    const gateways = [newGateway(1000), newGateway(null)];
    const ask = jest.spyOn(redis, 'holdPlaces');
    for (const gateway of gateways) {
      for (let n = 0; n < 50; n += 1) {
        const answer = response();
        expect(await take(gateway, caller, answer)).toBe('taken');
        answer.emit('close');
      }
    }
    expect(ask).toHaveBeenCalledTimes(1);
    ask.mockRestore();
  });
});

describe('Without Redis', () => {
  const gone = testRedis('commands');
  beforeAll(() => gone.disconnect());

  it('each gateway counts what it has itself, and shows that', async () => {
    const [caller, gateway] = [newTenant(), newGateway(LIMIT, gone)];
    const answers = Array.from({ length: LIMIT }, response);
    for (const answer of answers) expect(await take(gateway, caller, answer)).toBe('taken');
    expect(await take(gateway, caller)).toBe('too_many_streams');
    expect(await gateway.inUse('open_streams', caller.tenant_id)).toBe(LIMIT);
    answers[0]?.emit('close');
    expect(await take(gateway, caller)).toBe('taken');
  });

  it('nobody waits for it while it stands still', async () => {
    const silent = testRedis('commands');
    await whenReady(silent);
    const gateway = newGateway(LIMIT, silent);
    jest.spyOn(silent, 'holdPlaces').mockReturnValue(new Promise(() => undefined));
    expect(await take(gateway, newTenant())).toBe('taken');
    silent.disconnect();
  });
});
