import { Injectable } from '@nestjs/common';
import { invalidField, type User } from '@taai/contracts';
import type { Tx } from '@taai/entities';
import { assertCovered } from './grantable';
import { RoleRepository } from './role.repository';

/** Who may give which role, and change whom: nobody beyond what they may do themselves. */
@Injectable()
export class RoleAuthority {
  constructor(private readonly roles: RoleRepository) {}

  /** Throws `validation_failed` for a role that is not there, `forbidden` for one that grants more than the caller has. */
  async assertMayGive(tx: Tx, role: string): Promise<void> {
    const permissions = await this.roles.permissionsOf(tx, role);
    if (!permissions) throw invalidField('role', 'is no role of the tenant');
    assertCovered(permissions);
  }

  /** Throws `forbidden` for a user who may do more than the caller. */
  async assertMayChange(tx: Tx, { role }: User): Promise<void> {
    assertCovered((await this.roles.permissionsOf(tx, role)) ?? []);
  }
}
