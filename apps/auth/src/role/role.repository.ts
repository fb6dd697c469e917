import { Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { RoleEntity, UserEntity, violatedConstraint, type Tx } from '@taai/entities';
import { rolePermissions } from '@taai/rbac';
import { v7 } from 'uuid';

export type RoleFields = Pick<RoleEntity, 'name' | 'description' | 'permissions'>;

const builtIn = new Map(Object.entries(rolePermissions));

/** The tenant's own roles, and what any role may do. */
@Injectable()
export class RoleRepository {
  /** Of a built-in role or one of the tenant's own; undefined for a name that no role has. */
  async permissionsOf(tx: Tx, name: string): Promise<readonly string[] | undefined> {
    return builtIn.get(name) ?? (await tx.findOneBy(RoleEntity, { tenant_id: tx.tenant_id, name }))?.permissions;
  }

  /** Oldest first: all of them, since their number is bounded. */
  all(tx: Tx): Promise<RoleEntity[]> {
    return tx.find(RoleEntity, { where: { tenant_id: tx.tenant_id }, order: { id: 'asc' } });
  }

  count(tx: Tx): Promise<number> {
    return tx.countBy(RoleEntity, { tenant_id: tx.tenant_id });
  }

  async find(tx: Tx, id: string): Promise<RoleEntity | undefined> {
    return (await tx.findOneBy(RoleEntity, { tenant_id: tx.tenant_id, id })) ?? undefined;
  }

  /** Throws `slug_taken`. */
  async insert(tx: Tx, fields: RoleFields): Promise<RoleEntity> {
    const at = new Date();
    const role = { tenant_id: tx.tenant_id, id: v7(), ...fields, created_at: at, updated_at: at };
    await tx.insert(RoleEntity, { ...role }).catch(explain);
    return role;
  }

  /** Throws `slug_taken`. */
  async update(tx: Tx, role: RoleEntity, fields: Partial<RoleFields>): Promise<RoleEntity> {
    const { tenant_id, id } = role;
    const changes = { ...fields, updated_at: new Date() };
    await tx.update(RoleEntity, { tenant_id, id }, changes).catch(explain);
    return { ...role, ...changes };
  }

  /** Gives whoever has the role `from` the role `to`. */
  async replace(tx: Tx, from: string, to: string): Promise<void> {
    const { tenant_id } = tx;
    await tx.update(UserEntity, { tenant_id, role: from }, { role: to, updated_at: new Date() });
  }

  isInUse(tx: Tx, name: string): Promise<boolean> {
    return tx.existsBy(UserEntity, { tenant_id: tx.tenant_id, role: name });
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.delete(RoleEntity, { tenant_id: tx.tenant_id, id });
  }
}

function explain(error: unknown): never {
  if (violatedConstraint(error) === 'roles_name_key')
    throw new ProblemError('slug_taken', 'Another role has this name.');
  throw error;
}
