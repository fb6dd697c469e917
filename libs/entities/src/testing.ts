import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { TenantEntity } from './entities';
import { withClient } from './schema/connect';
import { migrateDatabase } from './schema/migrator';
import { withTenantId } from './with-tenant';

export * from './rows.testing';

/** A migrated database of one spec file's own. */
export interface TestDatabase {
  /** Of the role that services use. */
  runtimeUrl: string;
  /** Of the superuser: it sees every tenant's rows. */
  adminUrl: string;
  /** Of the role that owns the tables. */
  migratorUrl: string;
  /** Closes what is still connected. */
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
  const { admin, migrator, runtime } = urlsOf(server, name);
  const inside = new URL(admin);
  inside.pathname = name;
  const drop = () =>
    withClient(server, VARIABLE, async (client) => {
      await client.query(`drop database ${escapeIdentifier(name)} with (force)`);
    });
  return { runtimeUrl: runtime, adminUrl: inside.href, migratorUrl: migrator, drop };
}

/** A tenant without limits, for whose id `withTenantId` and `runAs` can work. */
export async function createTenant(dataSource: DataSource): Promise<string> {
  const id = v7();
  await withTenantId(dataSource, id, (tx) => tx.insert(TenantEntity, { id, name: 'Tenant', plan_id: 'unlimited' }));
  return id;
}

/** Roles with names of their own: nothing may depend on the usual ones. */
function urlsOf(server: string, database: string) {
  const urlFor = (role: string) => {
    const url = new URL(server);
    [url.username, url.password, url.pathname] = [role, 'test', database];
    return url.href;
  };
  return { admin: server, migrator: urlFor('test_migrator'), runtime: urlFor('test_app') };
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).sort()) {
    if (file.endsWith('.ts') && !file.endsWith('.spec.ts')) hash.update(readFileSync(join(import.meta.dirname, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
