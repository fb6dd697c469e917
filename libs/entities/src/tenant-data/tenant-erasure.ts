import { ProblemError, type DatabaseService } from '@taai/contracts';
import { guardedTables, tenantTables } from './tenant-tables';
import { sql } from '../database/statement';
import type { Tx } from '../database/tx';

const BATCH = 1000;

const IS_DUE = sql('select tenant_is_due($1) as is_due');

/**
 * Deletes up to 1,000 of the tenant's rows, of the first of the service's tables that has any, and resolves to their number: 0
 * when none is left. The tenant's own row stays. Any number of replicas may do it at once: rows that another one is deleting are
 * passed over. Throws `conflict` for a tenant that is not to be erased now.
 */
export async function eraseTenantRows(tx: Tx, service: DatabaseService): Promise<number> {
  await assertErasable(tx);
  for (const table of tenantTables[service].filter((name) => name !== 'tenants')) {
    const erased = table in guardedTables ? await eraseGuarded(tx, table) : await erase(tx, table);
    if (erased > 0) return erased;
  }
  return 0;
}

/** Throws `conflict` for a tenant that is not to be erased now. */
export async function assertErasable(tx: Tx): Promise<void> {
  const [answer] = await tx.read<{ is_due: boolean }>(IS_DUE, [tx.tenant_id]);
  if (!answer?.is_due) throw new ProblemError('conflict', 'The tenant is not to be erased.');
}

async function erase(tx: Tx, table: string): Promise<number> {
  const keys = tx.dataSource
    .getMetadata(table)
    .primaryColumns.map(({ databaseName }) => databaseName)
    .join(', ');
  const erased = await tx.write(
    `delete from ${table} where (${keys}) in (select ${keys} from ${table} limit $1 for update skip locked) returning true`,
    [BATCH],
  );
  return erased.length;
}

async function eraseGuarded(tx: Tx, table: string): Promise<number> {
  const [answer] = await tx.write<{ count: number }>(`select erase_${table}($1, $2) as count`, [tx.tenant_id, BATCH]);
  return answer?.count ?? 0;
}
