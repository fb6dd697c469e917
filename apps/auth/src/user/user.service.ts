import { Injectable } from '@nestjs/common';
import { found, ProblemError, type PageOf, type PageQuery, type UpdateUser, type User } from '@taai/contracts';
import { accessChanged, audit, difference, idAfter, toPage, withTenant, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { lockTenant } from '../tenant/tenant.repository';
import { RoleAuthority } from '../role/role.authority';
import { UserRepository, type UserFields } from './user.repository';

@Injectable()
export class UserService {
  constructor(
    private readonly db: DataSource,
    private readonly users: UserRepository,
    private readonly authority: RoleAuthority,
  ) {}

  async list({ limit, cursor }: PageQuery): Promise<PageOf<User>> {
    const rows = await this.users.page(idAfter(cursor), limit + 1);
    return toPage(rows, limit, ({ id }) => [id]);
  }

  async get(id: string): Promise<User> {
    return found('user', await this.users.find(id));
  }

  /** Throws `forbidden` for more than the caller may do, `last_admin` when nobody would be left who may do all. */
  async update({ id, ...fields }: UpdateUser): Promise<User> {
    return withTenant(this.db, async (tx) => {
      const user = await this.lock(tx, id);
      if (fields.role !== undefined) await this.authority.assertMayGive(tx, fields.role);
      const changed = difference(factsOf(user), factsOf({ ...user, ...fields }));
      if (!changed) return user;
      const { after } = changed;
      if (after.is_active === false) await this.users.deactivate(tx, id);
      const updated = found('user', await this.users.update(tx, id, after));
      if (after.role !== undefined || after.is_active !== undefined) await this.settleAccess(tx, user);
      await audit(tx, { action: 'user.updated', target: { type: 'user', id }, ...changed });
      return updated;
    });
  }

  /** Throws `forbidden`, `last_admin`. */
  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const user = await this.lock(tx, id);
      await this.users.remove(tx, id);
      await this.settleAccess(tx, user);
      const before = { email: user.email, ...factsOf(user) };
      await audit(tx, { action: 'user.removed', target: { type: 'user', id }, before });
    });
  }

  /** Resolves to a user whom nobody else changes until the transaction ends, and whom the caller may change. */
  private async lock(tx: Tx, id: string): Promise<User> {
    await lockTenant(tx);
    const user = found('user', await this.users.find(id, tx));
    await this.authority.assertMayChange(tx, user);
    return user;
  }

  /** Is called after the change with the user as they were before. Throws `last_admin`. */
  private async settleAccess(tx: Tx, user: User): Promise<void> {
    const wasAdmin = user.role === 'admin' && user.status === 'active';
    if (wasAdmin && !(await this.users.hasAdmin(tx))) throw new ProblemError('last_admin');
    await accessChanged(tx, 'user', user.id);
  }
}

const factsOf = ({ name, role, is_active }: User): UserFields => ({ name, role, is_active });
