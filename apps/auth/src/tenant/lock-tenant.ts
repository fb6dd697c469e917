import { TenantEntity, type Tx } from '@taai/entities';

/**
 * Makes the tenant's changes of users, roles and API keys happen one after another: what is read from here on stays true until
 * the transaction ends. Rows that refer to the tenant can be added all the while.
 */
export const lockTenant = (tx: Tx): Promise<TenantEntity> =>
  tx.findOneOrFail(TenantEntity, { where: { id: tx.tenant_id }, lock: { mode: 'for_no_key_update' } });
