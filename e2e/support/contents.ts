import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Fleet } from '../../scripts/fleet';

/** All that is stored somewhere: by place, as text. */
export type Contents = Map<string, string>;

/** Whatever the text is written in: PostgreSQL shows bytes in hexadecimal. */
const spellings = (needle: string) => [
  needle,
  Buffer.from(needle).toString('hex'),
  Buffer.from(needle).toString('base64').replace(/=+$/, ''),
];

/** Where `needle` stands. */
export const placesOf = (contents: Contents, needle: string): string[] =>
  [...contents]
    .filter(([, content]) => spellings(needle).some((spelling) => content.includes(spelling)))
    .map(([place]) => place);

/** The log file of every replica, those that have ended included. */
export async function logContents({ processes }: Fleet): Promise<Contents> {
  const files = Object.values(processes).flatMap((replicas) => replicas.map(({ logFile }) => logFile));
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const)));
}

/** Every table's rows, as the superuser's COPY writes them. */
export async function tableContents(adminUrl: string): Promise<Contents> {
  const client = new Client(adminUrl);
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c
       where c.relkind = 'r' and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`,
    );
    const contents: Contents = new Map();
    for (const { name } of tables) {
      contents.set(name, await text(client.query(copyTo(`copy (select * from ${name}) to stdout`))));
    }
    return contents;
  } finally {
    await client.end();
  }
}

type Reader = (redis: Redis, key: string) => Promise<unknown>;

const readers: Record<string, Reader> = {
  string: (redis, key) => redis.get(key),
  list: (redis, key) => redis.lrange(key, 0, -1),
  set: (redis, key) => redis.smembers(key),
  zset: (redis, key) => redis.zrange(key, 0, -1, 'WITHSCORES'),
  hash: (redis, key) => redis.hgetall(key),
  stream: (redis, key) => redis.xrange(key, '-', '+'),
  // It expired since the scan.
  none: async () => null,
};

/** Every key of every database of the server at `url`, with its value. */
export async function redisContents(url: string): Promise<Contents> {
  const redis = new Redis(url);
  try {
    const contents: Contents = new Map();
    const databases = (await redis.info('keyspace')).matchAll(/^db(\d+):/gm);
    for (const [, database = ''] of databases) {
      await redis.select(database);
      for await (const keys of redis.scanStream({ count: 1000 }) as AsyncIterable<string[]>) {
        for (const key of keys) contents.set(`${database} ${key}`, `${key} ${await valueOf(redis, key)}`);
      }
    }
    return contents;
  } finally {
    redis.disconnect();
  }
}

async function valueOf(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  const read = readers[type];
  if (!read) throw new Error(`The search knows no values of type ${type}: teach it.`);
  // Joined, not as JSON, which would escape what it quotes.
  return flatten(await read(redis, key)).join(' ');
}

const flatten = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.entries(value).flat().flatMap(flatten) : [String(value)];
