import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import pg, { Pool, type PoolConfig } from 'pg';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import { entities } from '../entities/all';
import { isAway, throwExplained } from './database-failure';
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

const RETRY_MS = 250;

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

/** A data source whose statements fail as `throwExplained` says. */
class ServiceDataSource extends DataSource {
  override query<T>(text: string, values?: unknown[], runner?: QueryRunner): Promise<T> {
    return super.query<T>(text, values, runner).catch((error: unknown) => throwExplained(error));
  }
}

/**
 * Connects a data source, which the caller destroys. Throws one sentence when the server cannot be reached or when row level
 * security would not hold for the role.
 */
export async function openDataSource(config: Pick<DatabaseConfig, 'url' | 'pool'>): Promise<DataSource> {
  const dataSource = new ServiceDataSource(dataSourceOptions(config));
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

/** Opens it once the database answers, which is waited for; says so once. Throws as `openDataSource` does, at once for what no waiting helps. */
export async function awaitDataSource(config: DatabaseConfig, patience_ms: number): Promise<DataSource> {
  const deadline = Date.now() + patience_ms;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openDataSource(config);
    } catch (error) {
      if (!(error instanceof Error && isAway(error.cause)) || Date.now() >= deadline) throw error;
      if (attempt === 1) new Logger('database').warn(`${error.message} Waiting for it.`);
      await delay(RETRY_MS);
    }
  }
}

/** Returns the pool of an initialised data source, so that both ways to the database share its connections. */
export function poolOf(dataSource: DataSource): Pool {
  const pool: unknown = 'master' in dataSource.driver ? dataSource.driver.master : undefined;
  if (!(pool instanceof Pool)) throw new Error('The data source has no pool: it is not initialised.');
  return pool;
}
