import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '../lib/run.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

/** A folder that is gone when the command ends. */
export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'task-assistant-'));
  await chmod(folder, 0o755); // as root PostgreSQL runs as another user
  await scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The superuser's URL of a fast PostgreSQL that is gone when the command ends. */
export async function temporaryPostgres(scope: Scope, folder: string): Promise<string> {
  const password = randomBytes(12).toString('hex');
  const options = { data: join(folder, 'postgres'), logFile: join(folder, 'postgres.log'), password, forTests: true };
  const server = await startPostgres(options);
  await scope.defer(() => server.stop());
  return server.url;
}

/** The URL of a Redis that is gone when the command ends. */
export async function temporaryRedis(scope: Scope, folder: string): Promise<string> {
  const server = await startRedis({ data: join(folder, 'redis'), logFile: join(folder, 'redis.log'), forTests: true });
  await scope.defer(() => server.stop());
  return server.url;
}
