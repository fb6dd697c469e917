import { Redis } from 'ioredis';
import { lowestMajor } from '../servers/redis-version.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';

/**
 * Makes sure that REDIS_URL names a Redis that answers and is new enough.
 * @throws UserError with the way out.
 */
export async function checkRedisUrl(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
  });
  let fault: unknown;
  client.on('error', (error) => (fault = error));
  try {
    await client.connect();
    const major = Number(/^redis_version:(\d+)/m.exec(await client.info('server'))?.[1]);
    if (major < lowestMajor)
      throw new UserError(`The Redis of REDIS_URL is version ${major}: name one of version ${lowestMajor} or newer.`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `The Redis of REDIS_URL cannot be used (${reasonOf(fault ?? error)}): start it or correct REDIS_URL. ` +
        'Without REDIS_URL a private Redis is started.',
    );
  } finally {
    client.disconnect();
  }
}
