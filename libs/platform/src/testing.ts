import { createRedis, type RedisClient, type RedisRole } from './redis/redis';
import { redisUrl } from './rpc/fleet.testing';

export { startHttpsServer, type HttpsServer } from './https-server.testing';
export { makeFernetKey, makeJwk, redisUrl, until } from './rpc/fleet.testing';

/** A connection to the Redis of the tests. Who asked for it disconnects it. */
export const testRedis = (role: RedisRole, connectionName = 'spec'): RedisClient =>
  createRedis(redisUrl(), { role, connectionName });
