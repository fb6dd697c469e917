import { currentCaller } from '@taai/tenant';
import type { DataSource, EntityManager } from 'typeorm';

/** Local to the transaction, so that a pooled connection carries nothing over. */
export const SET_TENANT = `select set_config('app.tenant_id', $1, true)`;

const SCOPED = Symbol('scoped to a tenant');

/**
 * A transaction in which the database shows the rows of one tenant alone. There is no other way to one than `withTenant`, so
 * code that asks for a `Tx` cannot be handed an unscoped manager.
 */
export type Tx = EntityManager & {
  readonly [SCOPED]: true;
  readonly tenant_id: string;
  /** Has `work` done once the transaction has committed; never, when it is rolled back. */
  afterCommit(work: () => void): void;
};

/**
 * Runs `work` in a transaction for the caller's tenant: committed when it resolves, rolled back when it rejects. Throws
 * without a caller. Never wait for a provider, another service or another `withTenant` inside: the connection is held.
 */
export const withTenant = async <T>(dataSource: DataSource, work: (tx: Tx) => Promise<T>): Promise<T> =>
  withTenantId(dataSource, currentCaller().tenant_id, work);

/** The same for a tenant that a resolver function named, or that is just being registered. */
export async function withTenantId<T>(
  dataSource: DataSource,
  tenant_id: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const committed: (() => void)[] = [];
  const afterCommit = (later: () => void) => void committed.push(later);
  const result = await dataSource.transaction(async (manager) => {
    await manager.query(SET_TENANT, [tenant_id]);
    return work(Object.assign(manager, { [SCOPED]: true as const, tenant_id, afterCommit }));
  });
  committed.forEach((later) => later());
  return result;
}
