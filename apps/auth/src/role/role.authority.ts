import { Injectable } from '@nestjs/common';
import { invalidField, ProblemError, type User } from '@taai/contracts';
import type { Tx } from '@taai/entities';
import { covers, intersect } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { AccessRepository } from '../access/access.repository';
import { permissionsOf } from '../access/access.service';
import { RoleRepository } from './role.repository';

/**
 * Who may hand out what, and change whom: nobody beyond what they may do themselves, now. What the gateway says of the caller may
 * be seconds old, and what is handed out stays: so a role that was just taken away must not be given back by its holder. To be
 * asked behind `lockTenant`, so that nothing changes in between.
 */
@Injectable()
export class RoleAuthority {
  constructor(
    private readonly roles: RoleRepository,
    private readonly access: AccessRepository,
  ) {}

  /** Throws `unauthenticated` for a caller whose access has ended, `forbidden` for more than they may do. */
  async assertCovers(tx: Tx, permissions: readonly string[]): Promise<void> {
    const caller = currentCaller();
    const holder = await this.access.callerNow(tx, caller);
    if (!holder) throw new ProblemError('unauthenticated', 'The session or API key has ended.');
    if (covers(intersect(caller.permissions, permissionsOf(holder)), permissions)) return;
    throw new ProblemError('forbidden', 'That takes permissions which the caller does not have.');
  }

  /** Throws `validation_failed` for a role that is not there, `forbidden` for one that grants more than the caller has. */
  async assertMayGive(tx: Tx, role: string): Promise<void> {
    const permissions = await this.roles.permissionsOf(tx, role);
    if (!permissions) throw invalidField('role', 'is no role of the tenant');
    await this.assertCovers(tx, permissions);
  }

  /** Throws `forbidden` for a user who may do more than the caller. */
  async assertMayChange(tx: Tx, { role }: User): Promise<void> {
    await this.assertCovers(tx, (await this.roles.permissionsOf(tx, role)) ?? []);
  }
}
