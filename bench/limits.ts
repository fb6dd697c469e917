// What a decision on rates costs: tenant, user and endpoint in one script, against a bare GET on the same connection.
import { randomUUID } from 'node:crypto';
import { createRedis, whenReady } from '@taai/platform';
import type { RateScope } from '../apps/gateway/src/admission/rate-levels';
import { RateLimiter } from '../apps/gateway/src/admission/rate-limiter';
import { run, type Scope } from '../scripts/lib/run.ts';
import { temporaryFolder, temporaryRedis } from '../scripts/servers/temporary.ts';
import { median, report, type Measure } from './report.ts';

const ROUNDS = 15;
const TENANTS = 1000;
/** How many are under way at once, and how many a round makes. */
const LOADS = [
  { in_flight: 1, calls: 4000 },
  { in_flight: 64, calls: 40_000 },
];
/** So high that none is refused. */
const PER_MINUTE = 1_000_000;

type Call = (n: number) => Promise<unknown>;

/** Milliseconds that each call took, at the median, and calls per second. */
async function time(call: Call, { in_flight, calls }: (typeof LOADS)[number]) {
  const took: number[] = [];
  let n = 0;
  const since = performance.now();
  const work = async () => {
    while (n < calls) {
      const begun = performance.now();
      await call(n++);
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: in_flight }, work));
  return { p50_ms: median(took), per_second: (calls * 1000) / (performance.now() - since) };
}

const scopes: RateScope[] = Array.from({ length: TENANTS }, () => ({
  whose: randomUUID(),
  levels: (['tenant', 'user', 'endpoint'] as const).map((name) => ({
    name,
    field: name === 'tenant' ? name : `${name}:${randomUUID()}`,
    per_minute: PER_MINUTE,
    amount: 1,
  })),
}));

async function measure(scope: Scope): Promise<number> {
  const url = await temporaryRedis(scope, await temporaryFolder(scope));
  const redis = createRedis(url, { role: 'commands', connectionName: 'bench' });
  await scope.defer(async () => redis.disconnect());
  await whenReady(redis);
  const limiter = new RateLimiter(redis);
  await Promise.all(scopes.map(({ whose }) => redis.set(`bare:${whose}`, '1')));
  const scopeOf = (n: number) => scopes[n % TENANTS] as RateScope;
  const get: Call = (n) => redis.get(`bare:${scopeOf(n).whose}`);
  const decide: Call = async (n) => {
    const { refusal } = await limiter.take(scopeOf(n), false);
    if (refusal) throw new Error('A call was refused.');
  };
  const measures: Measure[] = LOADS.flatMap(({ in_flight }) => [
    { name: `p50 at ${in_flight} in flight`, unit: 'ms', baseline: [], ours: [] },
    { name: `at ${in_flight} in flight`, unit: 'decisions/s', baseline: [], ours: [] },
  ]);
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, load] of LOADS.entries()) {
      const [bare, ours] = [await time(get, load), await time(decide, load)];
      if (round === 0) continue; // warm
      const [latency, rate] = measures.slice(2 * index, 2 * index + 2);
      latency?.baseline.push(bare.p50_ms);
      latency?.ours.push(ours.p50_ms);
      rate?.baseline.push(bare.per_second);
      rate?.ours.push(ours.per_second);
    }
  }
  await report({ name: 'limits', title: 'A decision on three limits, against a bare GET', measures });
  return 0;
}

await run(measure);
