import { databaseServices } from '@taai/contracts';
import pg, { type Client } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities } from '../entities/all';
import { migrations } from '../migrations';
import { PostgresNaming } from '../database/naming';
import { assertSafeRole } from '../database/safe-role';
import { STATEMENT_SECONDS } from '../database/statement-deadline';
import { withClient } from './connect';
import { grantsSql, type ServiceRoles } from './grants.sql';
import { resolverSql } from './resolver.sql';
import { revokeSql } from './revoke.sql';
import { servicePoliciesSql } from './service-policies.sql';
import { assertRolesExist, prepareServer, serviceRoles, variableOf, type DatabaseUrls } from './roles';

/** A migration gives up on a lock instead of queueing the whole fleet behind itself. */
const LOCK_TIMEOUT_MS = 10_000;

/** How long a migration waits for another one of the same database. */
const TURN_TIMEOUT_MS = 120_000;

const ROLE_TIMEOUTS = {
  statement_timeout: `${STATEMENT_SECONDS}s`,
  idle_in_transaction_session_timeout: '15s',
  lock_timeout: '5s',
};

export const migratorOptions = (url: string) =>
  ({
    type: 'postgres',
    driver: pg,
    url,
    entities,
    migrations,
    namingStrategy: new PostgresNaming(),
    synchronize: false,
    installExtensions: false,
    poolSize: 2,
    extra: { lock_timeout: LOCK_TIMEOUT_MS, connectionTimeoutMillis: 5_000 },
  }) satisfies DataSourceOptions;

/**
 * Brings a database from nothing, or from any earlier release, to this one: roles and database (with an admin's URL),
 * migrations, resolver functions, grants, partitions. Does nothing the second time. Resolves to the names of the migrations
 * that ran; throws one sentence when a server cannot be reached or a role is not safe.
 */
export async function migrateDatabase(urls: DatabaseUrls): Promise<string[]> {
  const { admin, migrator, services } = urls;
  const roles = serviceRoles(urls);
  if (admin) await prepareServer({ ...urls, admin });
  const ran = await withClient(migrator, 'MIGRATOR_DATABASE_URL', async (client) => {
    await client.query(`set lock_timeout = ${TURN_TIMEOUT_MS}`);
    await client.query(`select pg_advisory_lock(hashtext('task-assistant migration'))`);
    await assertRolesExist(client, services);
    const names = await runMigrations(migrator);
    await applyPermissions(client, roles);
    return names;
  });
  await Promise.all(
    databaseServices.map((service) => {
      const variable = variableOf(service);
      return withClient(services[service], variable, (client) => settleServiceRole(client, variable));
    }),
  );
  return ran;
}

async function runMigrations(url: string): Promise<string[]> {
  const dataSource = await new DataSource(migratorOptions(url)).initialize();
  try {
    const ran = await dataSource.runMigrations({ transaction: 'all' });
    return ran.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}

async function applyPermissions(client: Client, roles: ServiceRoles): Promise<void> {
  await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`);
  // One message of several statements is one transaction.
  const sql = [
    revokeSql,
    grantsSql(roles),
    servicePoliciesSql(roles),
    resolverSql(roles),
    'select create_usage_partitions();',
  ];
  await client.query(sql.join('\n'));
}

/** Checks that a service's role is safe, and bounds its waits, because a role may set its own defaults. */
async function settleServiceRole(client: Client, variable: string): Promise<void> {
  await assertSafeRole(client, variable);
  const { rows } = await client.query<{ settings: string[] | null }>(
    'select rolconfig as settings from pg_roles where rolname = current_user',
  );
  for (const [name, value] of Object.entries(ROLE_TIMEOUTS)) {
    if (rows[0]?.settings?.includes(`${name}=${value}`)) continue;
    await client.query(`alter role current_user set ${name} = '${value}'`);
  }
}
