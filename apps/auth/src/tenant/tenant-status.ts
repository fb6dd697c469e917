import { ProblemError, type TenantStatus } from '@taai/contracts';
import { accessChanged, audit, type AuditActor, type Tx } from '@taai/entities';
import { setTenantStatus } from './tenant.repository';

/** Throws `tenant_suspended` for a tenant that is suspended, or is being deleted. */
export function assertTenantActive(status: TenantStatus): void {
  if (status !== 'active') throw new ProblemError('tenant_suspended');
}

export interface StatusChange {
  from: TenantStatus;
  to: TenantStatus;
  /** When the rows are erased, if `to` is `deleting`. */
  delete_at?: Date;
  /** What the audit log calls it. */
  action: string;
  /** Who does it; the caller, if absent. */
  actor?: AuditActor;
}

/** Resolves to whether the tenant was in the status `from`, and so is in the other one now; gateways hear of it. */
export async function moveTenant(tx: Tx, { from, to, delete_at, action, actor }: StatusChange): Promise<boolean> {
  const id = tx.tenant_id;
  if (!(await setTenantStatus(tx, from, to, delete_at))) return false;
  await accessChanged(tx, 'tenant', id);
  const after = { status: to, ...(delete_at && { delete_at }) };
  await audit(tx, { action, target: { type: 'tenant', id }, before: { status: from }, after, ...(actor && { actor }) });
  return true;
}
