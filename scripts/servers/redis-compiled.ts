import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from '../lib/execute.ts';
import { dataFolder } from '../lib/paths.ts';
import type { RedisProgram } from './redis-version.ts';

const packageVersion = '0.17.1';
const redisVersion = '7.2.7';
const timeoutMs = 900_000;

/** What `compileRedis` made. */
export const compiledRedis = (folder: string): RedisProgram => ({
  command: join(folder, redisVersion, 'redis-server'),
});

/** Downloads Redis' source and compiles it under `folder`, by the package redis-memory-server; needs make and a C compiler. */
export async function compileRedis(folder: string): Promise<RedisProgram> {
  const inFolder = {
    // Unless npm is told to be strict the package does not check the download server's certificate.
    env: { ...process.env, npm_config_strict_ssl: 'true' },
    cwd: folder,
    logFile: join(dataFolder, 'logs/redis-setup.log'),
  };
  const run = (command: string, ...args: string[]) => execute({ ...inFolder, command, args }, timeoutMs);
  await mkdir(folder, { recursive: true });
  await run('make', '--version');
  await run('cc', '--version');
  console.log('Downloading and compiling Redis into .data/ (some minutes) …');
  await run(
    'npm',
    'install',
    '--no-save',
    '--ignore-scripts',
    '--fetch-retries=0',
    '--prefix',
    folder,
    `redis-memory-server@${packageVersion}`,
  );
  const options = JSON.stringify({ downloadDir: folder, version: redisVersion });
  await run(process.execPath, '-e', `require('redis-memory-server/lib/util/RedisBinary').default.getPath(${options})`);
  return compiledRedis(folder);
}
