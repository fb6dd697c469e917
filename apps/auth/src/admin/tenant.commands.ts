import { userInfo } from 'node:os';
import { isUuid } from '@taai/contracts';
import { withTenantId, type AuditActor, type TenantEntity } from '@taai/entities';
import type { DataSource } from 'typeorm';
import { moveTenant, type StatusChange } from '../tenant/tenant-status';
import { findTenant, TenantRepository } from '../tenant/tenant.repository';
import { AdminError, type AdminTools, type Command } from './command';

const BATCH = 500;

/** Runs `work` on the database and prints its result. */
export async function say(
  { onDatabase, print }: AdminTools,
  work: (db: DataSource) => Promise<string>,
): Promise<number> {
  print(await onDatabase(work));
  return 0;
}

/** The commands for tenants, by noun and verb. */
export const tenantCommands: Record<string, Command> = {
  'tenant list': { takes: [], summary: 'Every tenant: id, status, name', run: (tools) => say(tools, list) },
  'tenant show': {
    takes: ['id'],
    summary: 'One tenant',
    run: (tools, [id]) => say(tools, async (db) => describe(await find(db, id))),
  },
  'tenant suspend': {
    takes: ['id'],
    summary: 'Refuse everything to a tenant, within seconds, until it is resumed',
    run: (tools, [id]) =>
      say(tools, (db) => move(db, id, { from: 'active', to: 'suspended', action: 'tenant.suspended' })),
  },
  'tenant resume': {
    takes: ['id'],
    summary: 'End a suspension',
    run: (tools, [id]) =>
      say(tools, (db) => move(db, id, { from: 'suspended', to: 'active', action: 'tenant.resumed' })),
  },
  'tenant restore': {
    takes: ['id'],
    summary: 'Cancel a deletion, up to a minute before its time',
    run: (tools, [id]) =>
      say(tools, (db) => move(db, id, { from: 'deleting', to: 'active', action: 'tenant.restored' })),
  },
};

async function list(db: DataSource): Promise<string> {
  const lines: string[] = [];
  const tenants = new TenantRepository(db);
  for (let ids = await tenants.ids(null, BATCH); ids.length > 0; ids = await tenants.ids(ids.at(-1) ?? null, BATCH)) {
    // One after the other: the command has one connection.
    for (const id of ids) {
      const tenant = await withTenantId(db, id, findTenant);
      if (tenant) lines.push(lineOf(tenant)); // It may have gone since.
    }
  }
  return lines.length > 0 ? lines.join('\n') : 'There is no tenant.';
}

export async function find(db: DataSource, id: string | undefined): Promise<TenantEntity> {
  if (!isUuid(id)) throw new AdminError('A tenant is named by its id, a UUID: see `tenant list`.');
  const tenant = await withTenantId(db, id, findTenant);
  if (!tenant) throw new AdminError(`There is no tenant ${id}.`);
  return tenant;
}

async function move(db: DataSource, named: string | undefined, change: StatusChange): Promise<string> {
  const { id, status, delete_at } = await find(db, named);
  if (status === change.to) return `Tenant ${id} is ${change.to} already.`;
  const moved = await withTenantId(db, id, (tx) => moveTenant(tx, { ...change, actor: operator() }));
  if (moved) return `Tenant ${id} is ${change.to}. Gateways follow within 5 seconds.`;
  const date = delete_at ? `, its rows are erased at ${delete_at.toISOString()}` : '';
  throw new AdminError(`Tenant ${id} is ${status}${date}: it cannot become ${change.to} by this.`);
}

/** Returns who runs the command. A container's user may have no name. */
export function operator(): AuditActor {
  try {
    return { type: 'operator', id: userInfo().username };
  } catch {
    return { type: 'operator', id: `uid ${process.getuid?.()}` };
  }
}

/** Replaces control characters: tenants choose their names, and the terminal must not obey them. */
const printable = (text: string) => text.replace(/\p{C}/gu, '\u{fffd}');

const lineOf = ({ id, status, name }: TenantEntity) => `${id}  ${status.padEnd(9)}  ${printable(name)}`;

function describe(tenant: TenantEntity): string {
  const { id, name, status, plan_id, created_at, delete_at } = tenant;
  const facts = { id, name: printable(name), status, plan: plan_id, created: created_at.toISOString() };
  const all = { ...facts, ...(delete_at && { 'erased at': delete_at.toISOString() }) };
  return Object.entries(all)
    .map(([key, value]) => `${key.padEnd(9)}  ${value}`)
    .join('\n');
}
