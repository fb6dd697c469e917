import { ProblemError, type TenantStatus } from '@taai/contracts';
import { accessChanged, audit, sql, type AuditActor, type Tx } from '@taai/entities';

/** Throws `tenant_suspended` for a tenant that is suspended, or is being deleted. */
export function assertTenantActive(status: TenantStatus): void {
  if (status !== 'active') throw new ProblemError('tenant_suspended');
}

export interface StatusChange {
  from: TenantStatus;
  to: TenantStatus;
  /** With `deleting`: when the rows go. */
  delete_at?: Date;
  /** In the audit log. */
  action: string;
  /** The caller, if absent. */
  actor?: AuditActor;
}

/** A deletion that is due within a minute stays: its erasure must not begin while a restoration is under way. */
const MOVE = sql(`
  update tenants set status = $3, delete_at = $4, updated_at = now()
  where id = $1 and status = $2 and coalesce(delete_at > now() + interval '1 minute', true)`);

/** Resolves to whether the tenant was in the status `from`, and so is in the other one now; gateways hear of it. */
export async function moveTenant(tx: Tx, { from, to, delete_at, action, actor }: StatusChange): Promise<boolean> {
  const id = tx.tenant_id;
  const [, moved] = await tx.query<[unknown[], number]>(MOVE, [id, from, to, delete_at ?? null]);
  if (moved === 0) return false;
  await accessChanged(tx, 'tenant', id);
  const after = { status: to, ...(delete_at && { delete_at }) };
  await audit(tx, { action, target: { type: 'tenant', id }, before: { status: from }, after, ...(actor && { actor }) });
  return true;
}
