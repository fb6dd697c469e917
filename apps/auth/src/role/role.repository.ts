import { Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { RlsPool, RoleEntity, Rows, sql, violatedConstraint, type Reader, type Tx } from '@taai/entities';
import { rolePermissions } from '@taai/rbac';

export type RoleFields = Pick<RoleEntity, 'name' | 'description' | 'permissions'>;

export type RoleRow = Omit<RoleEntity, 'tenant_id'>;

const roles = new Rows(RoleEntity, ['id', 'name', 'description', 'permissions', 'created_at', 'updated_at']);

const ALL = sql('select id, name, description, permissions, created_at, updated_at from roles order by id');

const REPLACE = sql('update users set role = $2, updated_at = now() where role = $1');

const USER = sql('select id from users where role = $1 limit 1');

const builtIn = new Map(Object.entries(rolePermissions));

/** The tenant's own roles, and the permissions of any role. */
@Injectable()
export class RoleRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Resolves to the permissions of a built-in role or one of the tenant's own; undefined for a name that no role has. */
  async permissionsOf(tx: Tx, name: string): Promise<readonly string[] | undefined> {
    return builtIn.get(name) ?? (await roles.find(tx, { name }))?.permissions;
  }

  /** Resolves to all roles, oldest first: their number is bounded. */
  all(db: Reader = this.rls): Promise<RoleRow[]> {
    return db.read<RoleRow>(ALL);
  }

  find(tx: Tx, id: string): Promise<RoleRow | undefined> {
    return roles.find(tx, { id });
  }

  /** Throws `slug_taken`. */
  insert(tx: Tx, fields: RoleFields): Promise<RoleRow> {
    return roles.insert(tx, fields).catch(explain);
  }

  /** Throws `slug_taken`. */
  update(tx: Tx, id: string, fields: Partial<RoleFields>): Promise<RoleRow | undefined> {
    return roles.update(tx, { id }, fields).catch(explain);
  }

  /** Gives whoever has the role `from` the role `to`. */
  async replace(tx: Tx, from: string, to: string): Promise<void> {
    await tx.write(REPLACE, [from, to]);
  }

  async isInUse(tx: Tx, name: string): Promise<boolean> {
    return (await tx.read(USER, [name])).length > 0;
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await roles.remove(tx, { id });
  }
}

function explain(error: unknown): never {
  if (violatedConstraint(error) === 'roles_name_key')
    throw new ProblemError('slug_taken', 'Another role has this name.');
  throw error;
}
