import { join } from 'node:path';
import { databaseServices } from '../../libs/contracts/src/contract.ts';
import { execute } from '../lib/execute.ts';
import { root } from '../lib/paths.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';
import type { DatabaseUrls } from './database.ts';

const timeoutMs = 300_000;

/**
 * Runs `dist/migrate/main.js`: creates missing roles and the database, and brings the schema up to date; with `--check` it
 * compares the schema with the entities instead. What it prints goes to `logFile`, or to our own output.
 * @throws UserError with the end of its log.
 */
export async function migrate(
  urls: DatabaseUrls,
  options: { args?: readonly string[]; logFile?: string } = {},
): Promise<void> {
  const args = ['--enable-source-maps', join(root, 'dist/migrate/main.js'), ...(options.args ?? [])];
  const env = {
    ...process.env,
    ADMIN_DATABASE_URL: urls.admin,
    MIGRATOR_DATABASE_URL: urls.migrator,
    ...Object.fromEntries(databaseServices.map((name) => [`${name.toUpperCase()}_DATABASE_URL`, urls.services[name]])),
  };
  try {
    await execute({ command: process.execPath, args, env, logFile: options.logFile }, timeoutMs);
  } catch (error) {
    throw new UserError(`The database could not be migrated: ${reasonOf(error)}`);
  }
}
