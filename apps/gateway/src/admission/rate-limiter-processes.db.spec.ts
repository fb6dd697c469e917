import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { redisUrl } from '@taai/platform-testing';
import { v7 } from 'uuid';
import type { RateLevel, RateScope } from './rate-levels';
import type { Decided, GatewayOrder } from './rate-limiter.fixture';

const CALLS = 1000;
const HOUR_MS = 3_600_000;
/** Of the three gateways: one is right, one is an hour behind, one is ahead. */
const SKEWS_MS = [0, -HOUR_MS, 7 * HOUR_MS];
const PER_MINUTE = { tenant: 400, user: 150, endpoint: 60 };
const PROGRAM = 'test/rate-limiter-fixture';

async function startGateway(order: GatewayOrder): Promise<ChildProcess> {
  const child = fork(`dist/${PROGRAM}.js`, {
    env: { ...process.env, FIXTURE_ORDER: JSON.stringify(order) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  expect(await once(child, 'message')).toEqual(['ready', undefined]);
  return child;
}

async function decisionsOf(child: ChildProcess): Promise<Decided[]> {
  child.send('begin');
  const [decided] = (await once(child, 'message')) as [Decided[]];
  child.disconnect();
  return decided;
}

const level = (name: 'tenant' | 'user' | 'endpoint', field: string): RateLevel => ({
  name,
  field,
  per_minute: PER_MINUTE[name],
  amount: 1,
});

/** A call of one of four users, at the endpoint with a limit of its own or at another one. */
function someCall(whose: string, n: number): RateScope {
  const user = `user:${n % 4}`;
  const levels = [level('tenant', 'tenant'), level('user', user)];
  return { whose, levels: n % 3 === 0 ? [...levels, level('endpoint', `endpoint:${user}`)] : levels };
}

const WINDOW = 60_000_000;

/** Buckets of tokens that drip in: the rule told otherwise than by GCRA. Whole numbers, a token being `WINDOW` of them. */
class Oracle {
  private readonly buckets = new Map<string, { drops: number; at: number }>();

  admits({ levels }: RateScope, now: number): boolean {
    const filled = levels.map(({ field, per_minute }) => {
      const { drops, at } = this.buckets.get(field) ?? { drops: per_minute * WINDOW, at: now };
      return { field, drops: Math.min(per_minute * WINDOW, drops + (now - at) * per_minute) };
    });
    const isAdmitted = filled.every(({ drops }) => drops >= WINDOW);
    for (const { field, drops } of filled)
      this.buckets.set(field, { drops: drops - (isAdmitted ? WINDOW : 0), at: now });
    return isAdmitted;
  }
}

test('three gateways with wrong clocks admit together what one rule admits, call by call', async () => {
  const entry = { in: 'apps/gateway/src/admission/rate-limiter.fixture.ts', out: PROGRAM };
  const build = `import('./scripts/build/bundle.ts').then(({ bundle }) => bundle([${JSON.stringify(entry)}]))`;
  await promisify(execFile)(process.execPath, ['-e', build]);
  const whose = v7();
  const calls = Array.from({ length: CALLS }, (_, n) => someCall(whose, n));
  const gateways = await Promise.all(
    SKEWS_MS.map((skew_ms, index) => {
      const scopes = calls.filter((_, n) => n % SKEWS_MS.length === index);
      return startGateway({ redisUrl: redisUrl(), skew_ms, scopes });
    }),
  );
  const decided = (await Promise.all(gateways.map(decisionsOf))).flat().sort((one, other) => one.at - other.at);
  const oracle = new Oracle();
  expect(decided).toHaveLength(CALLS);
  expect(decided.map(({ isAdmitted }) => isAdmitted)).toEqual(decided.map(({ scope, at }) => oracle.admits(scope, at)));
  const admitted = decided.filter(({ isAdmitted }) => isAdmitted).length;
  expect(admitted).toBeGreaterThanOrEqual(PER_MINUTE.tenant);
  expect(admitted).toBeLessThan(CALLS);
}, 30_000);
