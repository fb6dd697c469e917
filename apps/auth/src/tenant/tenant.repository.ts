import { Injectable } from '@nestjs/common';
import { found, type Tenant, type TenantDetails, type TenantStatus } from '@taai/contracts';
import { sql, withTenant, type TenantEntity, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';

/** The fields of a tenant that its admins may change. */
export type TenantFields = Pick<TenantDetails, 'name' | 'settings'>;

const columns = 'id, name, plan_id, status, settings, delete_at, created_at, updated_at';

const READ = sql(`select ${columns} from tenants where id = $1`);

const LOCK = sql(`${READ} for no key update`);

const WRITE = sql(`
  update tenants set name = $2, settings = $3, updated_at = now() where id = $1 returning ${columns}`);

/** A deletion that is due within a minute stays: its erasure must not begin while a restoration is under way. */
const MOVE = sql(`
  update tenants set status = $3, delete_at = $4, updated_at = now()
  where id = $1 and status = $2 and coalesce(delete_at > now() + interval '1 minute', true) returning id`);

const LIST = sql('select id from list_tenants($1, $2)');

const DUE = sql('select id from due_tenants($1)');

const ERASE = sql('select erase_tenant($1) as count');

/** Resolves to the transaction's tenant; undefined when it is erased. */
export async function findTenant(tx: Tx): Promise<TenantEntity | undefined> {
  const [tenant] = await tx.read<TenantEntity>(READ, [tx.tenant_id]);
  return tenant;
}

/**
 * Makes the tenant's changes of itself, users, roles and API keys happen one after another: what is read from here on stays true
 * until the transaction ends. Rows that refer to the tenant can be added all the while. Throws `not_found`.
 */
export async function lockTenant(tx: Tx): Promise<TenantEntity> {
  const [tenant] = await tx.read<TenantEntity>(LOCK, [tx.tenant_id]);
  return found('tenant', tenant);
}

/** Returns what clients are told of a tenant. It names the fields one by one, so that a new column is not shown by accident. */
export const toTenant = ({ id, name, plan_id, status, created_at }: TenantEntity): Tenant => ({
  id,
  name,
  plan_id,
  status,
  created_at,
});

/** Resolves to whether the tenant was in the status `from`, and so is in the status `to` now. */
export async function setTenantStatus(
  tx: Tx,
  from: TenantStatus,
  to: TenantStatus,
  delete_at?: Date,
): Promise<boolean> {
  const moved = await tx.write(MOVE, [tx.tenant_id, from, to, delete_at ?? null]);
  return moved.length > 0;
}

/** The tenants of the platform. */
@Injectable()
export class TenantRepository {
  constructor(private readonly db: DataSource) {}

  /** Throws `not_found`. */
  async update(tx: Tx, { name, settings }: TenantFields): Promise<TenantEntity> {
    const [tenant] = await tx.write<TenantEntity>(WRITE, [tx.tenant_id, name, JSON.stringify(settings)]);
    return found('tenant', tenant);
  }

  /** Resolves to ids of all tenants, those after `after`, in their order. */
  async ids(after: string | null, limit: number): Promise<string[]> {
    const rows = await this.db.query<{ id: string }[]>(LIST, [after, limit]);
    return rows.map(({ id }) => id);
  }

  /** Resolves to ids of tenants whose rows are to be erased. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.db.query<{ id: string }[]>(DUE, [limit]);
    return rows.map(({ id }) => id);
  }

  /** Removes the caller's tenant itself, when nothing else of it is left. Resolves to whether it was still there. */
  async erase(): Promise<boolean> {
    const [answer] = await withTenant(this.db, (tx) => tx.write<{ count: number }>(ERASE, [tx.tenant_id]));
    return answer?.count === 1;
  }
}
