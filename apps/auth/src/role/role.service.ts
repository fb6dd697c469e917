import { Injectable } from '@nestjs/common';
import {
  found,
  limits,
  ProblemError,
  type CreateRole,
  type PageOf,
  type PageQuery,
  type Role,
  type UpdateRole,
} from '@taai/contracts';
import { accessChanged, audit, difference, readCursor, toPage, withTenant, type Tx } from '@taai/entities';
import { rolePermissions } from '@taai/rbac';
import { DataSource } from 'typeorm';
import { lockTenant } from '../tenant/tenant.repository';
import { readPermissions } from '../access/read-permissions';
import { RoleAuthority } from './role.authority';
import { RoleRepository, type RoleFields, type RoleRow } from './role.repository';

const builtInRoles = Object.entries(rolePermissions).map(([name, permissions]): Role => {
  const nothing = { id: null, description: null, created_at: null, updated_at: null };
  return { ...nothing, name, permissions: [...permissions], is_builtin: true };
});

@Injectable()
export class RoleService {
  constructor(
    private readonly db: DataSource,
    private readonly roles: RoleRepository,
    private readonly authority: RoleAuthority,
  ) {}

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Role>> {
    const after = cursor === undefined ? '' : readCursor(cursor, 1)[0];
    if (typeof after !== 'string') throw new ProblemError('invalid_cursor');
    const own = await this.roles.all();
    const rows = [...builtInRoles, ...own.map(toRole)].filter((role) => placeOf(role) > after);
    return toPage(rows, limit, (role) => [placeOf(role)]);
  }

  async create(input: CreateRole): Promise<Role> {
    const { name, description = null } = input;
    const permissions = readPermissions('permissions', input.permissions);
    assertNotBuiltIn(name);
    return withTenant(this.db, (tx) => this.add(tx, { name, description, permissions }));
  }

  async update({ id, ...fields }: UpdateRole): Promise<Role> {
    if (fields.permissions) fields.permissions = readPermissions('permissions', fields.permissions);
    if (fields.name !== undefined) assertNotBuiltIn(fields.name);
    return withTenant(this.db, (tx) => this.change(tx, id, fields));
  }

  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const role = await this.lock(tx, id);
      if (await this.roles.isInUse(tx, role.name)) {
        throw new ProblemError('conflict', 'Users have this role: give them another one first.');
      }
      await this.roles.remove(tx, id);
      await accessChanged(tx, 'tenant', tx.tenant_id);
      await audit(tx, { action: 'role.deleted', target: { type: 'role', id }, before: factsOf(role) });
    });
  }

  private async add(tx: Tx, fields: RoleFields): Promise<Role> {
    await lockTenant(tx);
    await this.authority.assertCovers(tx, fields.permissions);
    if ((await this.roles.all(tx)).length >= limits.rolesOfTenant) {
      throw new ProblemError('conflict', `A tenant has at most ${limits.rolesOfTenant} roles of its own.`);
    }
    const role = await this.roles.insert(tx, fields);
    await audit(tx, { action: 'role.created', target: { type: 'role', id: role.id }, after: fields });
    return toRole(role);
  }

  private async change(tx: Tx, id: string, fields: Partial<RoleFields>): Promise<Role> {
    const role = await this.lock(tx, id);
    await this.authority.assertCovers(tx, fields.permissions ?? []);
    const changed = difference(factsOf(role), factsOf({ ...role, ...fields }));
    if (!changed) return toRole(role);
    const { after } = changed;
    const updated = found('role', await this.roles.update(tx, id, after));
    if (after.name !== undefined) await this.roles.replace(tx, role.name, after.name);
    await accessChanged(tx, 'tenant', tx.tenant_id);
    await audit(tx, { action: 'role.updated', target: { type: 'role', id }, ...changed });
    return toRole(updated);
  }

  /** Resolves to a role that nobody else changes or gives to anybody until the transaction ends. Throws `not_found`, `forbidden`. */
  private async lock(tx: Tx, id: string): Promise<RoleRow> {
    await lockTenant(tx);
    const role = found('role', await this.roles.find(tx, id));
    await this.authority.assertCovers(tx, role.permissions);
    return role;
  }
}

/** Returns the sort key of a role: built-in roles come first, in their own order, then the tenant's, oldest first. */
const placeOf = ({ id, name }: Role) =>
  id === null ? `0${builtInRoles.findIndex((role) => role.name === name)}` : `1${id}`;

const factsOf = ({ name, description, permissions }: RoleFields): RoleFields => ({ name, description, permissions });

const toRole = ({ id, created_at, updated_at, ...fields }: RoleRow): Role => ({
  id,
  ...factsOf(fields),
  is_builtin: false,
  created_at,
  updated_at,
});

function assertNotBuiltIn(name: string): void {
  if (builtInRoles.some((role) => role.name === name))
    throw new ProblemError('slug_taken', 'A built-in role has this name.');
}
