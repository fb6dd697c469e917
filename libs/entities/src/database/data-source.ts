import pg, { Pool, type PoolConfig } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { entities } from '../entities/all';
import { FairPool } from './fair-pool';
import { PostgresNaming } from './naming';
import { pgTypes } from './pg-types';
import { assertSafeRole } from './safe-role';
import { explainConnectError } from '../schema/connect';

export interface DatabaseConfig {
  /** The address of the database, with a role that owns nothing and bypasses nothing. */
  url: string;
  /** How many connections there are at most. */
  pool: number;
  /** Whether statements are prepared by name: false behind PgBouncer in transaction mode. */
  prepare: boolean;
}

/** Every wait for the database ends: for a connection after 30 s, for an answer after 35 s (the server gives up at 30 s). */
const poolOptions = {
  types: pgTypes,
  connectionTimeoutMillis: 30_000,
  query_timeout: 35_000,
  idleTimeoutMillis: 60_000,
  maxLifetimeSeconds: 3600,
  keepAlive: true,
} satisfies PoolConfig;

/** Returns the options of a service's data source. It never changes the schema: migrations do that. */
const dataSourceOptions = ({ url, pool }: Pick<DatabaseConfig, 'url' | 'pool'>) =>
  ({
    type: 'postgres',
    driver: { ...pg, Pool: FairPool },
    url,
    entities,
    namingStrategy: new PostgresNaming(),
    synchronize: false,
    installExtensions: false,
    poolSize: pool,
    extra: poolOptions,
    // An idle connection that breaks is replaced by the pool; one in use fails its own query.
    poolErrorHandler: () => undefined,
  }) satisfies DataSourceOptions;

/**
 * Connects a data source, which the caller destroys. Throws one sentence when the server cannot be reached or when row level
 * security would not hold for the role.
 */
export async function openDataSource(config: Pick<DatabaseConfig, 'url' | 'pool'>): Promise<DataSource> {
  const dataSource = new DataSource(dataSourceOptions(config));
  await dataSource.initialize().catch((error: unknown) => {
    throw new Error(explainConnectError(error, config.url, 'DATABASE_URL'), { cause: error });
  });
  try {
    await assertSafeRole(poolOf(dataSource), 'DATABASE_URL');
    return dataSource;
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** Returns the pool of an initialised data source, so that both ways to the database share its connections. */
export function poolOf(dataSource: DataSource): Pool {
  const pool: unknown = 'master' in dataSource.driver ? dataSource.driver.master : undefined;
  if (!(pool instanceof Pool)) throw new Error('The data source has no pool: it is not initialised.');
  return pool;
}
