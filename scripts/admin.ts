// The operator's command for the fleet of `npm start`, or for the one whose database DATABASE_URL names.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './lib/paths.ts';
import { describeError } from './lib/user-error.ts';
import { readAdminFile } from './start/admin-file.ts';
import { ensureBuilt } from './start/build.ts';

const asked = process.argv.slice(2);
/** Whether the environment is enough as it is. */
const isEnough = asked.length === 0 || asked.includes('--help') || process.env.DATABASE_URL;

try {
  const env = { ...process.env, ...(isEnough ? {} : await readAdminFile()) };
  await ensureBuilt();
  const args = ['--enable-source-maps', join(root, 'dist/auth/admin.js'), ...asked];
  process.exitCode = spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status ?? 1;
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}
