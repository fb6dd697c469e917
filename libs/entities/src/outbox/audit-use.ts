import { currentCaller } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { withTenantId } from '../database/tx';
import { audit, type AuditEntry } from './audit';

/**
 * Records that the caller was shown, or worked on, what is not theirs. In a transaction of its own, beside that of an Idempotency-Key: each
 * use is recorded, a repetition too, and before anything is shown.
 */
export const auditUse = (db: DataSource, entry: AuditEntry): Promise<void> =>
  withTenantId(db, currentCaller().tenant_id, (tx) => audit(tx, entry));
