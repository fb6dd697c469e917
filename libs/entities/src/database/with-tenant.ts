import { currentCaller, currentContext, type OncePerKey } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { idempotent } from '../outbox/idempotency';
import { withTenantId, type Tx } from './tx';

/**
 * Runs `work` in a transaction for the caller's tenant: committed when it resolves, rolled back when it rejects. Throws
 * without a caller, and `deadline_exceeded` when it finds that nobody waits for the work any longer. Never wait for a provider, another service or another `withTenant` inside: the connection is held.
 *
 * In a method that is once per key, called with a key, this is the one transaction of the key: `work` is done if it was not done
 * before, and else its stored result is given, as JSON has it. A second one is refused; what is only read needs none.
 */
export async function withTenant<T>(dataSource: DataSource, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { tenant_id } = currentCaller();
  const once = currentContext()?.once;
  return once ? withKey(dataSource, tenant_id, once, work) : withTenantId(dataSource, tenant_id, work);
}

async function withKey<T>(
  dataSource: DataSource,
  tenant_id: string,
  once: OncePerKey,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  if (once.transaction !== 'none') throw new Error(`${once.method} is once per key, and so has one transaction.`);
  once.transaction = 'open';
  try {
    const result = await withTenantId(dataSource, tenant_id, (tx) => idempotent(tx, once, () => work(tx)));
    once.transaction = 'committed';
    return result;
  } catch (error) {
    once.transaction = 'none';
    throw error;
  }
}
