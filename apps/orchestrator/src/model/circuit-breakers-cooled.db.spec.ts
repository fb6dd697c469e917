import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import type { GrantedPermit } from './breaker';
import type { BreakerLimits } from './breaker-limits';
import { breakerReplica, disconnectAll, makeCalls, type BreakerReplica, type Target } from './breaker.testing';

afterAll(disconnectAll);

let target: Target;
beforeEach(() => {
  target = { provider_id: v7(), credential_id: v7() };
});

const enter = async ({ breakers }: BreakerReplica) => breakers.enter(target);
const state = ({ breakers }: BreakerReplica) => breakers.state(target);
const grants = (one: BreakerReplica) => async () => (await enter(one)).granted;

async function probe(through: BreakerReplica): Promise<GrantedPermit> {
  for (;;) {
    const permit = await enter(through);
    if (permit.granted) return permit;
  }
}

describe('a circuit breaker that has cooled', () => {
  /** Two replicas, to which the provider is due for a probe. */
  async function cooled(more: Partial<BreakerLimits> = {}): Promise<[BreakerReplica, BreakerReplica]> {
    const pair: [BreakerReplica, BreakerReplica] = [
      await breakerReplica({ ...more, cool_ms: 100 }),
      await breakerReplica(more),
    ];
    await enter(pair[1]);
    await makeCalls(pair[0], target, 10, 'unwell');
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
