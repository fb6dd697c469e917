import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { byDatabaseService, type DatabaseService } from '../../libs/contracts/src/contract.ts';
import { databaseUrls } from '../start/database.ts';
import { migrate } from '../start/migrate.ts';

export interface TestDatabase {
  /** Of each service's own role. */
  urls: Record<DatabaseService, string>;
  /** As superuser, who sees every tenant's rows. */
  adminUrl: string;
  drop(): Promise<void>;
}

/** A database of a fleet's own on the server, prepared by the command that operators use. */
export async function migratedDatabase(server: string): Promise<TestDatabase> {
  if (!server) throw new Error('TEST_DATABASE_URL is not set: run the tests by `npm test`.');
  const name = `e2e_${randomBytes(6).toString('hex')}`;
  const adminUrl = Object.assign(new URL(server), { pathname: name }).href;
  // Roles belong to the whole server and keep their first password.
  const passwords = { superuser: '', migrator: 'e2e', ...byDatabaseService(() => 'e2e') };
  const urls = databaseUrls(adminUrl, passwords);
  await migrate({ ...urls, admin: server });
  const drop = async () => {
    const client = new Client({ connectionString: server });
    await client.connect();
    await client.query(`drop database ${name} with (force)`).finally(() => client.end());
  };
  return { urls: urls.services, adminUrl, drop };
}
