import { Injectable } from '@nestjs/common';
import { found, type TenantDetails } from '@taai/contracts';
import { sql, withTenant, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';

/** What its admins may change of a tenant. */
export type TenantFields = Pick<TenantDetails, 'name' | 'settings'>;

const READ = sql(
  'select id, name, plan_id, status, settings, delete_at, created_at, updated_at from tenants where id = $1',
);

const WRITE = sql('update tenants set name = $2, settings = $3, updated_at = now() where id = $1');

/** The caller's tenant. */
@Injectable()
export class TenantRepository {
  constructor(private readonly db: DataSource) {}

  /** Throws `not_found`. */
  async read(tx: Tx): Promise<TenantDetails> {
    const [tenant] = await tx.query<TenantDetails[]>(READ, [tx.tenant_id]);
    return found('tenant', tenant);
  }

  /** The tenant, which nobody else changes until the transaction ends. Throws `not_found`. */
  async lock(tx: Tx): Promise<TenantDetails> {
    const [tenant] = await tx.query<TenantDetails[]>(`${READ} for update`, [tx.tenant_id]);
    return found('tenant', tenant);
  }

  async update(tx: Tx, { name, settings }: TenantFields): Promise<void> {
    await tx.query(WRITE, [tx.tenant_id, name, JSON.stringify(settings)]);
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
