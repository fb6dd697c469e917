import { Channels, keys, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import type { Health } from './breaker';
import { BreakerLimits } from './breaker-limits';
import { CircuitBreakers } from './circuit-breakers';

const connections: RedisClient[] = [];
export const disconnectAll = () => connections.forEach((connection) => connection.disconnect());

function connect(role: 'commands' | 'subscriber'): RedisClient {
  const connection = testRedis(role);
  connections.push(connection);
  return connection;
}

/** The circuit breakers as another process would have them. */
export async function breakerReplica(limits: Partial<BreakerLimits> = {}) {
  const [redis, subscriber] = [connect('commands'), connect('subscriber')];
  const channels = new Channels(subscriber);
  const breakers = new CircuitBreakers(
    redis,
    channels,
    Object.assign(new BreakerLimits(), { flush_ms: 1, recheck_ms: 20, ...limits }),
  );
  const listening = Promise.withResolvers<void>();
  channels.listen(keys.breakers(), { onMessage: () => undefined, onSubscribed: listening.resolve });
  await Promise.all([whenReady(redis), listening.promise]);
  return { breakers, redis, subscriber };
}

export type BreakerReplica = Awaited<ReturnType<typeof breakerReplica>>;
export type Target = Parameters<CircuitBreakers['enter']>[0];

/** Makes so many calls with this outcome, and waits until Redis was told. */
export async function makeCalls({ breakers }: BreakerReplica, target: Target, count: number, health: Health) {
  const { calls } = await breakers.state(target);
  for (let n = 0; n < count; n += 1) {
    const permit = await breakers.enter(target);
    if (permit.granted) permit.report(health);
  }
  await until(async () => (await breakers.state(target)).calls === calls + count);
}
