import { ProblemError, type TenantStatus } from '@taai/contracts';

/** Throws `tenant_suspended` for a tenant that is suspended, or is being deleted. */
export function assertTenantActive(status: TenantStatus): void {
  if (status !== 'active') throw new ProblemError('tenant_suspended');
}
