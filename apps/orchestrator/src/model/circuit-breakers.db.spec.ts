import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import type { Health } from './breaker';
import {
  breakerReplica as replica,
  disconnectAll,
  makeCalls,
  type BreakerReplica,
  type Target,
} from './breaker.testing';

afterAll(disconnectAll);

let target: Target;
beforeEach(() => {
  target = { provider_id: v7(), credential_id: v7() };
});

const enter = ({ breakers }: BreakerReplica, whom = target) => breakers.enter(whom);
const state = ({ breakers }: BreakerReplica) => breakers.state(target);
const make = (through: BreakerReplica, count: number, health: Health) => makeCalls(through, target, count, health);
const refuses = (one: BreakerReplica) => async () => !(await enter(one)).granted;

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
