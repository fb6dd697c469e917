import { REDIS } from './bootstrap';
import { keys } from './redis/keys';
import { log } from './observability/logger';
import type { RedisClient } from './redis/redis';

const REST_MS = 50;

/** Connections that told the relays within the last `REST_MS`, and whether they were asked to again since. */
const resting = new WeakMap<RedisClient, { asked: boolean }>();

/**
 * Tells the outbox relays that rows were committed: at once, then at most every 50 ms. Call it after the commit. It never
 * fails: a relay that hears nothing looks by itself twice a second.
 */
export function wakeRelay(redis: RedisClient): void {
  const rest = resting.get(redis);
  if (rest) {
    rest.asked = true;
    return;
  }
  redis.publish(keys.outboxWake(), '').catch((error: unknown) => log.debug({ err: error }, 'no relay was woken'));
  startRest(redis);
}

/** For a module of the database: wakes the relays through the process's Redis connection. */
export const outboxWaker = {
  inject: [REDIS],
  useFactory: (redis: RedisClient) => () => wakeRelay(redis),
};

function startRest(redis: RedisClient): void {
  const rest = { asked: false };
  resting.set(redis, rest);
  setTimeout(() => {
    resting.delete(redis);
    if (rest.asked) wakeRelay(redis);
  }, REST_MS).unref();
}
