import type { Scope } from '../lib/run.ts';
import { temporaryPostgres, temporaryRedis } from '../servers/temporary.ts';

/**
 * Sets TEST_DATABASE_URL and TEST_REDIS_URL, by which tests find their servers: what is not named from outside is a private one with
 * its data in `folder`.
 */
export async function startServers(scope: Scope, folder: string): Promise<void> {
  const { env } = process;
  if (!env.TEST_DATABASE_URL || !env.TEST_REDIS_URL) console.log('Starting a private PostgreSQL and Redis …');
  const [database, redis] = await Promise.all([
    env.TEST_DATABASE_URL || temporaryPostgres(scope, folder),
    env.TEST_REDIS_URL || temporaryRedis(scope, folder),
  ]);
  Object.assign(env, { TEST_DATABASE_URL: database, TEST_REDIS_URL: redis });
}
