import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { stopLeftover } from '../lib/leftover.ts';
import { freePort } from '../lib/ports.ts';
import { launch, type RunningProcess } from '../lib/processes.ts';
import { UserError } from '../lib/user-error.ts';
import { waitFor } from '../lib/wait.ts';
import { findRedisProgram } from './redis-program.ts';
import { Server } from './server.ts';

export interface RedisOptions {
  /** Folder of the data, created when absent. */
  data: string;
  logFile: string;
  /** Absent: a free one. */
  port?: number;
  /** Keeps nothing on disk, and removes the folder on stopping. */
  forTests?: boolean;
}

const startTimeoutMs = 30_000;
const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec'];

/** Whether the server answers; undefined while it is not there or still loads its data. */
async function answers(port: number): Promise<true | undefined> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
    return true;
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

async function launchRedis({ data, logFile, forTests }: RedisOptions, port: number): Promise<RunningProcess> {
  const program = await findRedisProgram();
  await mkdir(data, { recursive: true, mode: 0o700 });
  const pidFile = join(data, 'redis.pid');
  await stopLeftover({ pidFile, name: 'Redis', mark: 'redis-server', signal: 'SIGTERM' });

  const address = ['--bind', '127.0.0.1', '--port', String(port), '--dir', data, '--pidfile', pidFile];
  return launch({
    command: program.command,
    args: [...address, '--save', '', '--maxmemory-policy', 'noeviction', ...(forTests ? [] : durable)],
    env: { ...process.env, ...program.env },
    logFile,
  });
}

async function untilReady(server: RunningProcess, port: number, logFile: string): Promise<void> {
  const ready = await waitFor(() => (server.isRunning ? answers(port) : false), startTimeoutMs);
  if (ready) return;
  const words = server.lastWords();
  await server.stop();
  throw new UserError(`Redis did not start; its log (${logFile}) ends with:\n${words}`);
}

/** Starts a private Redis on 127.0.0.1. A server left on the same data by a killed start is stopped first. */
export async function startRedis(options: RedisOptions): Promise<Server> {
  const { data, logFile, forTests } = options;
  const port = options.port ?? (await freePort());
  return Server.start({
    name: 'Redis',
    url: `redis://127.0.0.1:${port}`,
    logFile,
    launch: () => launchRedis(options, port),
    untilReady: (server) => untilReady(server, port, logFile),
    release: forTests ? () => rm(data, { recursive: true, force: true }) : undefined,
  });
}
