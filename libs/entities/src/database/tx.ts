import type { DataSource, EntityManager } from 'typeorm';
import { wakerOf } from '../outbox/wake';
import { throwExplained } from './database-failure';
import { statementOf } from './statement';
import { assertTimeLeft, statementTimeout } from './statement-deadline';

/**
 * Sets the tenant, and how many milliseconds each statement may take (null: as long as the role allows). Both are local to the
 * transaction, so that a pooled connection carries nothing over.
 */
export const SET_TENANT = `select set_config('app.tenant_id', $1, true),
  set_config('statement_timeout', coalesce($2, current_setting('statement_timeout')), true)`;

const SCOPED = Symbol('scoped to a tenant');

/** What runs a statement that changes nothing: a transaction, or the `RlsPool` in one round trip. */
export interface Reader {
  read<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
}

/**
 * A transaction in which the database shows the rows of one tenant alone. There is no other way to one than `withTenant`, so
 * code that asks for a `Tx` cannot be handed an unscoped manager.
 */
export interface Tx extends EntityManager, Reader {
  readonly [SCOPED]: true;
  readonly tenant_id: string;
  /** Runs one statement that changes something, and resolves to its rows (none without RETURNING). */
  write<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /**
   * Has `effect` called when the transaction has committed: not when it is rolled back, and not when a stored answer is given
   * instead of doing the work again. The same function is called once, however often it is given. It must not throw.
   */
  afterCommit(effect: () => void): void;
}

/**
 * Runs `work` as `withTenant` does, for a tenant that a resolver function named or that is just being registered. Throws
 * `service_unavailable` when the database is away, and `outcome_unknown` when it got lost while it committed.
 */
export async function withTenantId<T>(
  dataSource: DataSource,
  tenant_id: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const effects = new Set<() => void>();
  const result = await transact(dataSource, async (manager) => {
    await manager.query(SET_TENANT, [tenant_id, statementTimeout()]);
    return work(scoped(manager, tenant_id, effects));
  });
  for (const effect of effects) effect();
  return result;
}

async function transact<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  let isCommitting = false;
  try {
    return await dataSource.transaction(async (manager) => {
      const done = await work(manager);
      isCommitting = true;
      return done;
    });
  } catch (error) {
    return throwExplained(error, isCommitting);
  }
}

function scoped(manager: EntityManager, tenant_id: string, effects: Set<() => void>): Tx {
  const afterCommit = (effect: () => void) => void effects.add(effect);
  const read = <Row extends object>(sql: string, params: readonly unknown[] = []) => rowsOf<Row>(manager, sql, params);
  const write = <Row extends object>(sql: string, params?: readonly unknown[]) => {
    if (statementOf(sql).emits) afterCommit(wakerOf(manager.connection));
    return read<Row>(sql, params);
  };
  return Object.assign(manager, { [SCOPED]: true as const, tenant_id, read, write, afterCommit });
}

/** TypeORM answers an UPDATE with rows and their number, unless it is asked for the structured result. */
async function rowsOf<Row extends object>(
  { queryRunner }: EntityManager,
  sql: string,
  params: readonly unknown[],
): Promise<Row[]> {
  if (!queryRunner) throw new Error('A transaction has a query runner.');
  assertTimeLeft();
  const { records } = await queryRunner.query(sql, [...params], true);
  return records as Row[];
}
