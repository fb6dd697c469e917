import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AdminEnvironment } from '../../scripts/start/admin-file';

const run = promisify(execFile);

/** `npm run admin` without npm: the command as the auth image holds it. Resolves to what it printed; rejects with `code` and `stderr`. */
export async function adminCommand(env: AdminEnvironment, ...args: string[]): Promise<string> {
  const program = join('dist', 'auth', 'admin.js');
  return (await run(process.execPath, [program, ...args], { env: { ...process.env, ...env } })).stdout;
}
