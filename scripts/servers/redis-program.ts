import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataFolder } from '../lib/paths.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';
import { downloadWithApt, downloadedByApt, installWithApt } from './redis-apt.ts';
import { compileRedis, compiledRedis } from './redis-compiled.ts';
import { checkProgram, lowestMajor, type RedisProgram } from './redis-version.ts';

export interface RedisSource {
  name: string;
  /** Whether it is what an earlier start fetched, whose absence says nothing. */
  isKept?: boolean;
  /** The program from there; getting it may take minutes. */
  get(): Promise<RedisProgram>;
}

const onPath: RedisProgram = { command: 'redis-server' };
const downloads = join(dataFolder, 'redis-apt');
const compilation = join(dataFolder, 'redis-compiled');

const sources = {
  path: { name: 'redis-server on PATH', get: async () => onPath },
  downloaded: { name: 'an earlier download', isKept: true, get: () => downloadedByApt(downloads) },
  compiled: { name: 'an earlier compilation', isKept: true, get: async () => compiledRedis(compilation) },
  install: { name: 'apt-get install', get: () => installWithApt().then(() => onPath) },
  download: { name: 'apt-get download', get: () => downloadWithApt(downloads) },
  compile: { name: 'compiling it (redis-memory-server)', get: () => compileRedis(compilation) },
} satisfies Record<string, RedisSource>;

/** Where a Redis may come from, the cheapest first. */
export function redisSources(machine: { isRoot: boolean; hasApt: boolean }): RedisSource[] {
  const { path, downloaded, compiled, install, download, compile } = sources;
  const apt = machine.isRoot ? install : download;
  return [path, downloaded, compiled, ...(machine.hasApt ? [apt] : []), compile];
}

/** Whether the machine is a Debian or one of its children. */
export async function isDebian(release = '/etc/os-release'): Promise<boolean> {
  const text = await readFile(release, 'utf8').catch(() => '');
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(text);
}

/**
 * Finds a Redis server program, and fetches one when the machine has none.
 * @throws UserError that names what was tried and the way out.
 */
export async function findRedisProgram(): Promise<RedisProgram> {
  const tried: string[] = [];
  for (const source of redisSources({ isRoot: process.getuid?.() === 0, hasApt: await isDebian() })) {
    try {
      const program = await source.get();
      await checkProgram(program);
      return program;
    } catch (error) {
      if (!source.isKept) tried.push(`${source.name} (${reasonOf(error).split('\n')[0]})`);
    }
  }
  throw new UserError(
    `No Redis ${lowestMajor} or newer was found, and none could be fetched. Install redis-server, or set REDIS_URL to a server ` +
      `of your own (for example \`docker run -p 6379:6379 redis:7\` and REDIS_URL=redis://127.0.0.1:6379). Tried: ${tried.join(', ')}; .data/logs/redis-setup.log may say more.`,
  );
}
