import { createRedis, whenReady } from '@taai/platform';
import type { RateScope } from './rate-levels';
import { RateLimiter } from './rate-limiter';

/** What a gateway in a process of its own is told. */
export interface GatewayOrder {
  redisUrl: string;
  /** By how many milliseconds its clock is wrong. */
  skew_ms: number;
  /** The requests that it decides on, all at once. */
  scopes: RateScope[];
}

/** What it was answered to one of them, as the script answers. */
export interface Decided {
  scope: RateScope;
  isAdmitted: boolean;
  /** When it was decided, in microseconds by the clock of Redis. */
  at: number;
}

/** Decides on the requests, tells what came of them, and stays until it is left. */
const { redisUrl, skew_ms, scopes } = JSON.parse(process.env['FIXTURE_ORDER'] ?? '') as GatewayOrder;
const clock = Date.now;
Date.now = () => clock() + skew_ms;
const redis = createRedis(redisUrl, { role: 'commands', connectionName: 'gateway' });
await whenReady(redis);
const limiter = new RateLimiter(redis);
const take = redis.takeRates.bind(redis);

async function decide(scope: RateScope): Promise<Decided> {
  const asked = Promise.withResolvers<number[]>();
  // The limiter asks before it waits for anything.
  redis.takeRates = (...args) => {
    const answer = take(...args);
    asked.resolve(answer);
    return answer;
  };
  const { refusal } = await limiter.take(scope, true);
  const [, at = 0] = await asked.promise;
  return { scope, isAdmitted: !refusal, at };
}

process.on('message', () => void Promise.all(scopes.map(decide)).then((decided) => process.send?.(decided)));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
