import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { log } from '../observability/logger';

/** One server, one behind Sentinel, or a cluster: the same commands. */
export type RedisClient = Redis | Cluster;

/**
 * `commands`: anything that answers at once; a command fails after 2 s. `blocking`: reads that wait, `BLOCK_SECONDS` at
 * most; after 3 s without an answer the connection is made anew. `subscriber`: subscriptions alone, renewed after a reconnection.
 */
export type RedisRole = 'commands' | 'blocking' | 'subscriber';

export interface RedisConnection {
  role: RedisRole;
  /** Shown by CLIENT LIST. */
  connectionName: string;
  /** The owner notices by itself when Redis does not answer. */
  watched?: boolean;
}

/** Where a Redis URL points. */
export type RedisTarget =
  | { kind: 'single'; url: string }
  | { kind: 'sentinel'; sentinels: Address[]; name: string; credentials: Credentials; db: number }
  | { kind: 'cluster'; nodes: Address[]; credentials: Credentials };

interface Address {
  host: string;
  port: number;
}

type Credentials = Pick<RedisOptions, 'username' | 'password'>;

export const BLOCK_SECONDS = 2;
const SILENCE_MS = 3000;
const COMMAND_MS = 2000;
const READY_MS = 10_000;
const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6379;

/**
 * Connects to Redis, and reconnects. Nothing is queued while the connection is down and nothing is sent twice: a command fails at once
 * then, and one that was in flight may or may not have been executed.
 */
export function createRedis(url: string, { role, connectionName, watched }: RedisConnection): RedisClient {
  const redis = connect(parseRedisUrl(url), { ...common, ...(!watched && timeouts[role]), connectionName });
  redis.on('error', (error) =>
    log.warn({ reason: messageOf(error), connection: connectionName }, 'redis connection failed'),
  );
  return redis;
}

/** Resolves when the connection can be used; throws after 10 s (or `ms`). */
export async function whenReady(redis: RedisClient, ms = READY_MS): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void) => () => {
      clearTimeout(timer);
      redis.off('ready', done).off('end', fail);
      outcome();
    };
    const done = settle(resolve);
    const fail = settle(() =>
      reject(new Error(`Redis did not answer within ${ms / 1000} s. Is REDIS_URL right, and does the server run?`)),
    );
    const timer = setTimeout(fail, ms);
    redis.on('ready', done).on('end', fail);
  });
}

/** Parses redis://, rediss://, redis+sentinel://host:port,…/master-name[/db] and redis+cluster://host:port,… */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme, userinfo, hosts, path = ''] =
    /^(redis|rediss|redis\+sentinel|redis\+cluster):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?/.exec(url) ?? [];
  if (!scheme || !hosts) {
    throw new Error(
      'A Redis URL begins with redis://, rediss://, redis+sentinel:// or redis+cluster:// and names a host.',
    );
  }
  if (scheme === 'redis+cluster')
    return { kind: 'cluster', nodes: addresses(hosts, REDIS_PORT), credentials: credentials(userinfo) };
  if (scheme !== 'redis+sentinel') return { kind: 'single', url };
  const [name, db] = path.split('/');
  if (!name)
    throw new Error('A redis+sentinel:// URL ends with the name of the master: redis+sentinel://host:26379/mymaster');
  const sentinels = addresses(hosts, SENTINEL_PORT);
  return { kind: 'sentinel', sentinels, name, credentials: credentials(userinfo), db: Number(db ?? 0) };
}

/** Returns the message, which alone may be logged: ioredis attaches a command's arguments to its error, the password of AUTH among them. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.cause instanceof Error ? error.cause.message : error.message;
}

const common: RedisOptions = {
  connectTimeout: 5000,
  disconnectTimeout: 200,
  keepAlive: 10_000,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (times) => Math.min(25 * 2 ** times, 2000) * (0.5 + Math.random() / 2),
};

const timeouts: Record<RedisRole, RedisOptions> = {
  commands: { commandTimeout: COMMAND_MS, socketTimeout: SILENCE_MS },
  blocking: { socketTimeout: SILENCE_MS },
  subscriber: {},
};

function connect(target: RedisTarget, options: RedisOptions): RedisClient {
  if (target.kind === 'single') return new Redis(target.url, options);
  if (target.kind === 'sentinel') {
    const { sentinels, name, db, credentials } = target;
    return new Redis({ ...options, ...credentials, sentinels, name, db });
  }
  return new Cluster(target.nodes, {
    enableOfflineQueue: false,
    redisOptions: { ...options, ...target.credentials },
    clusterRetryStrategy: options.retryStrategy ?? undefined,
  });
}

const addresses = (hosts: string, defaultPort: number): Address[] =>
  hosts.split(',').map((text) => {
    const [, host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text) ?? [];
    if (!host) throw new Error('A Redis URL lists its servers as host:port, separated by commas.');
    return { host: host.replace(/^\[|\]$/g, ''), port: port ? Number(port) : defaultPort };
  });

function credentials(userinfo = ''): Credentials {
  const [username = '', password = ''] = userinfo.split(':').map(decodeURIComponent);
  return { ...(username && { username }), ...(password && { password }) };
}
