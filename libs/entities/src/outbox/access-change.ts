import type { AccessChangeKind } from '@taai/contracts';
import type { Tx } from '../database/tx';
import { sql } from '../database/statement';

/** `at` is the clock's time and not the transaction's, which may have waited for long. */
const INSERT = sql('insert into access_changes (tenant_id, kind, id, at) values ($1, $2, $3, clock_timestamp())');

/**
 * Makes every gateway look again, within seconds of the commit, at what a session, API key, user or tenant may do: call it where
 * one of them ends, or changes its permissions.
 */
export async function accessChanged(tx: Tx, kind: AccessChangeKind, id: string): Promise<void> {
  await tx.write(INSERT, [tx.tenant_id, kind, id]);
}
