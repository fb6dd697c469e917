import 'reflect-metadata';
import { byDatabaseService } from '@taai/contracts';
import { findDrift } from './schema/drift';
import { migrateDatabase } from './schema/migrator';
import { variableOf } from './schema/roles';

/**
 * `migrate` brings the database to this release; `migrate --check` looks whether it matches the entities. Both exit with 1
 * and one sentence when they cannot.
 */
async function main(): Promise<void> {
  const migrator = required('MIGRATOR_DATABASE_URL');
  if (process.argv.includes('--check')) return check(migrator);
  const services = byDatabaseService((service) => required(variableOf(service)));
  const admin = process.env['ADMIN_DATABASE_URL'] && required('ADMIN_DATABASE_URL');
  const ran = await migrateDatabase({ migrator, services, ...(admin && { admin }) });
  console.log(ran.length > 0 ? `The database is migrated: ${ran.join(', ')}.` : 'The database is up to date.');
}

async function check(url: string): Promise<void> {
  const drift = await findDrift(url);
  if (drift.length > 0) throw new Error(`The schema differs from the entities:\n${drift.join('\n')}`);
  console.log('The schema matches the entities.');
}

function required(name: string): string {
  const value = process.env[name];
  if (!value || !URL.canParse(value)) throw new Error(`${name} must be a URL: see README.md, "Configuration".`);
  return value;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
