import { Inject, Injectable } from '@nestjs/common';
import { found, type TenantDetails, type UpdateTenant } from '@taai/contracts';
import { audit, difference, withTenant } from '@taai/entities';
import { DataSource } from 'typeorm';
import { moveTenant } from './tenant-status';
import { findTenant, lockTenant, TenantRepository, type TenantFields } from './tenant.repository';
import { changedSettings, deletionTime } from './tenant.rules';

/** Injects the days between a deletion and its execution. */
export const GRACE_DAYS = Symbol('grace days');

@Injectable()
export class TenantService {
  constructor(
    private readonly db: DataSource,
    private readonly tenants: TenantRepository,
    @Inject(GRACE_DAYS) private readonly graceDays: number,
  ) {}

  get(): Promise<TenantDetails> {
    return withTenant(this.db, async (tx) => found('tenant', await findTenant(tx)));
  }

  /** Throws `validation_failed` when the settings grow too large. */
  update({ name, settings = {} }: UpdateTenant): Promise<TenantDetails> {
    return withTenant(this.db, async (tx) => {
      const tenant = await lockTenant(tx);
      const before: TenantFields = { name: tenant.name, settings: tenant.settings };
      const after = { name: name ?? before.name, settings: changedSettings(before.settings, settings) };
      const changed = difference(before, after);
      if (!changed) return tenant;
      await audit(tx, { action: 'tenant.updated', target: { type: 'tenant', id: tx.tenant_id }, ...changed });
      return this.tenants.update(tx, after);
    });
  }

  /** Closes the tenant at once, and has its rows erased after the days of grace. Does nothing for one that is not active. */
  async remove(): Promise<void> {
    const delete_at = deletionTime(new Date(), this.graceDays);
    const change = { from: 'active', to: 'deleting', delete_at, action: 'tenant.deletion_requested' } as const;
    await withTenant(this.db, (tx) => moveTenant(tx, change));
  }
}
