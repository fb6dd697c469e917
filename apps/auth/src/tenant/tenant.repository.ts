import { Injectable } from '@nestjs/common';
import { found, type TenantDetails } from '@taai/contracts';
import { audit, difference, withTenant, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { moveTenant } from './tenant-status';

type Fields = Pick<TenantDetails, 'name' | 'settings'>;

const READ = 'select id, name, plan_id, status, settings, delete_at, created_at, updated_at from tenants where id = $1';

const WRITE = 'update tenants set name = $2, settings = $3, updated_at = now() where id = $1';

/** The caller's tenant. */
@Injectable()
export class TenantRepository {
  constructor(private readonly db: DataSource) {}

  /** Throws `not_found`. */
  read(): Promise<TenantDetails> {
    return withTenant(this.db, (tx) => readTenant(tx));
  }

  /** Throws `not_found`, and what `change` throws. */
  change(change: (before: Fields) => Fields): Promise<TenantDetails> {
    return withTenant(this.db, async (tx) => {
      const { name, settings } = await readTenant(tx, 'for update');
      const after = change({ name, settings });
      const changed = difference({ name, settings }, after);
      if (changed) {
        await tx.query(WRITE, [tx.tenant_id, after.name, JSON.stringify(after.settings)]);
        await audit(tx, { action: 'tenant.updated', target: { type: 'tenant', id: tx.tenant_id }, ...changed });
      }
      return readTenant(tx);
    });
  }

  /** Closes the tenant at once, and has its rows erased at `delete_at`. Does nothing for one that is not active. */
  async requestDeletion(delete_at: Date): Promise<void> {
    const change = { from: 'active', to: 'deleting', delete_at, action: 'tenant.deletion_requested' } as const;
    await withTenant(this.db, (tx) => moveTenant(tx, change));
  }

  /** Ids of tenants whose rows are to be erased. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.db.query<{ id: string }[]>('select id from due_tenants($1)', [limit]);
    return rows.map(({ id }) => id);
  }

  /** Removes the tenant itself, when nothing else of it is left. Resolves to whether it was still there. */
  async erase(): Promise<boolean> {
    const sql = 'select erase_tenant($1) as count';
    const [answer] = await withTenant(this.db, (tx) => tx.query<{ count: number }[]>(sql, [tx.tenant_id]));
    return answer?.count === 1;
  }
}

async function readTenant(tx: Tx, lock = ''): Promise<TenantDetails> {
  const [tenant] = await tx.query<TenantDetails[]>(`${READ} ${lock}`, [tx.tenant_id]);
  return found('tenant', tenant);
}
