import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { byDatabaseService, type DatabaseService } from '@taai/contracts';
import { escapeIdentifier } from 'pg';
import { v7 } from 'uuid';
import { withClient } from './schema/connect';
import { migrateDatabase } from './schema/migrator';

export * from './rows.testing';

/** A migrated database of one spec file's own. */
export interface TestDatabase {
  /** The URL of each service's role. */
  urls: Record<DatabaseService, string>;
  /** The URL of the superuser, who sees every tenant's rows. */
  adminUrl: string;
  /** The URL of the role that owns the tables. */
  migratorUrl: string;
  /** Runs a statement as superuser: for rows that the service under test may not write or see. */
  admin<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Drops the database, and closes what is still connected to it. */
  drop(): Promise<void>;
}

const VARIABLE = 'TEST_DATABASE_URL';

/**
 * Needs `TEST_DATABASE_URL`: a superuser on a throw-away server, which the test runner starts. Migrates once per server and
 * state of this library, and copies that template for each caller.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env[VARIABLE];
  if (!server) throw new Error(`${VARIABLE} is not set: run the tests by "npm test".`);
  const template = `template_${sourceHash()}`;
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withClient(server, VARIABLE, async (client) => {
    await client.query(`select pg_advisory_lock(hashtext('test template'))`);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (rowCount === 0) {
      // Renamed when complete, so that a broken attempt is never taken for a template.
      await client.query(`drop database if exists building with (force)`);
      await migrateDatabase(urlsOf(server, 'building'));
      await client.query(`alter database building rename to ${template}`);
    }
    await client.query(`select pg_advisory_unlock_all()`);
    await client.query(`create database ${name} template ${template} owner test_migrator`);
  });
  const adminUrl = Object.assign(new URL(server), { pathname: name }).href;
  const { migrator, services } = urlsOf(server, name);
  return {
    urls: services,
    adminUrl,
    migratorUrl: migrator,
    admin: <Row extends object>(sql: string, params: readonly unknown[] = []) =>
      withClient(adminUrl, VARIABLE, async (client) => (await client.query<Row>(sql, [...params])).rows),
    drop: () =>
      withClient(server, VARIABLE, async (client) => {
        await client.query(`drop database ${escapeIdentifier(name)} with (force)`);
      }),
  };
}

/** Adds a tenant without limits. Resolves to its id. */
export async function createTenant(database: TestDatabase): Promise<string> {
  const id = v7();
  await database.admin(`insert into tenants (id, name, plan_id) values ($1, 'Tenant', 'unlimited')`, [id]);
  return id;
}

/** Adds an admin of the tenant, without a password. Resolves to their id. */
export async function createUser(database: TestDatabase, tenant_id: string): Promise<string> {
  const id = v7();
  const user = [tenant_id, id, `${id}@example.com`];
  await database.admin(`insert into users (tenant_id, id, email, role) values ($1, $2, $3, 'admin')`, user);
  return id;
}

/** Returns URLs of roles with unusual names, which SQL must quote: nothing may depend on the usual ones. */
function urlsOf(server: string, database: string) {
  const urlFor = (role: string) => {
    const url = new URL(server);
    [url.username, url.password, url.pathname] = [role, 'test', database];
    return url.href;
  };
  const services = byDatabaseService((service) => urlFor(`test-${service}`));
  return { admin: server, migrator: urlFor('test_migrator'), services };
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.ts') && !file.endsWith('.spec.ts')) hash.update(readFileSync(join(import.meta.dirname, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
