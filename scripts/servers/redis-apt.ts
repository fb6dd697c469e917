import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execute } from '../lib/execute.ts';
import { dataFolder } from '../lib/paths.ts';
import { lowestMajor, type RedisProgram } from './redis-version.ts';

const timeoutMs = 300_000;
const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

// SIGINT, because apt lets a running dpkg finish then.
const apt = { env, logFile: join(dataFolder, 'logs/redis-setup.log'), stopSignal: 'SIGINT', graceMs: 120_000 } as const;
const aptGet = (...args: string[]) =>
  execute({ ...apt, command: 'apt-get', args: ['-y', '-o', 'Acquire::http::Timeout=20', ...args] }, timeoutMs);
const unpack = (file: string, folder: string) =>
  execute({ ...apt, command: 'dpkg', args: ['-x', file, folder] }, timeoutMs);

/** The major version of the redis-server in the package lists; undefined when they name none. */
async function offeredMajor(options: readonly string[]): Promise<number | undefined> {
  const show = promisify(execFile)('apt-cache', [...options, '--no-all-versions', 'show', 'redis-server'], { env });
  const { stdout } = await show.catch(() => ({ stdout: '' }));
  const major = /^Version: (?:\d+:)?(\d+)\./m.exec(stdout)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** @throws Error when the release of this machine has too old a Redis: it is not installed in vain. */
async function checkOffer(options: readonly string[] = []): Promise<void> {
  const major = await offeredMajor(options);
  if (major === undefined || major < lowestMajor) throw new Error(`it offers Redis ${major ?? 'nowhere'}`);
}

/** Installs redis-server for the whole machine; needs root. */
export async function installWithApt(): Promise<void> {
  console.log('Installing redis-server with apt-get …');
  const install = async () => {
    await checkOffer();
    await aptGet('install', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends', 'redis-server');
  };
  // Fails without package lists, and with lists so old that they name packages that are gone.
  await install().catch(async () => {
    await aptGet('update');
    await install();
  });
}

/**
 * Fetches redis-server and the library packages that the machine lacks, and unpacks them under `folder`; needs no root.
 * apt gets a state folder of its own there, and the machine's record of installed packages to read.
 */
export async function downloadWithApt(folder: string): Promise<RedisProgram> {
  console.log('Fetching redis-server with apt-get into .data/ …');
  const lists = join(folder, 'lists');
  const archives = join(folder, 'cache/archives');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  const settings = { 'Dir::State::Lists': lists, 'Dir::Cache': join(folder, 'cache'), 'Debug::NoLocking': '1' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await aptGet(...options, 'update');
  await checkOffer(options);
  // Debian keeps the program itself in redis-tools.
  const packages = ['redis-server', 'redis-tools'];
  await aptGet(...options, 'install', '--download-only', '--reinstall', '--no-install-recommends', ...packages);
  for (const file of await readdir(archives)) {
    if (file.endsWith('.deb')) await unpack(join(archives, file), join(folder, 'root'));
  }
  return downloadedByApt(folder);
}

/** What `downloadWithApt` unpacked. Rejects when there is nothing. */
export async function downloadedByApt(folder: string): Promise<RedisProgram> {
  const unpacked = join(folder, 'root');
  const entries = await readdir(unpacked, { recursive: true, withFileTypes: true });
  const libraries = entries.filter(({ name }) => name.includes('.so.')).map(({ parentPath }) => parentPath);
  return {
    command: join(unpacked, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: [...new Set(libraries)].join(':') },
  };
}
