import { Injectable } from '@nestjs/common';
import type { User } from '@taai/contracts';
import { sql, UserEntity, type Tx } from '@taai/entities';
import { IsNull, LessThan, Not } from 'typeorm';
import { v7 } from 'uuid';
import { toUser } from '../login/account.repository';
import { explainTakenEmail } from '../registration/email';

export type UserFields = Pick<UserEntity, 'name' | 'role' | 'is_active'>;

// Whoever uses a link changes its user next, and the user's sessions last: locked in another order, each would wait for the other.
const REMOVE_LINKS = sql('delete from one_time_tokens where user_id = $1');

const DEACTIVATE = [
  REMOVE_LINKS,
  'update users set is_active = false, updated_at = now() where id = $1',
  'update sessions set revoked_at = now() where user_id = $1 and revoked_at is null',
  'update api_keys set revoked_at = now() where created_by = $1 and revoked_at is null',
];

/** The users of a tenant. */
@Injectable()
export class UserRepository {
  /** Newest first. */
  async page(tx: Tx, after: string | undefined, limit: number): Promise<User[]> {
    const where = { tenant_id: tx.tenant_id, ...(after && { id: LessThan(after) }) };
    return (await tx.find(UserEntity, { where, order: { id: 'desc' }, take: limit })).map(toUser);
  }

  async find(tx: Tx, id: string): Promise<User | undefined> {
    const row = await tx.findOneBy(UserEntity, { tenant_id: tx.tenant_id, id });
    return row ? toUser(row) : undefined;
  }

  /** A user without a password. Throws `email_taken`. */
  async insert(tx: Tx, fields: Pick<UserEntity, 'email' | 'name' | 'role'>): Promise<User> {
    const nothing = { password_hash: null, last_login_at: null };
    const row = { ...fields, ...nothing, tenant_id: tx.tenant_id, id: v7(), is_active: true, created_at: new Date() };
    await tx.insert(UserEntity, { ...row }).catch(explainTakenEmail);
    return toUser(row);
  }

  async update(tx: Tx, id: string, fields: Partial<UserFields>): Promise<void> {
    await tx.update(UserEntity, { tenant_id: tx.tenant_id, id }, { ...fields, updated_at: new Date() });
  }

  /** Whether it was an invited user who is active, and so has the password now. */
  async setFirstPassword(tx: Tx, id: string, password_hash: string): Promise<boolean> {
    const invited = { tenant_id: tx.tenant_id, id, is_active: true, password_hash: IsNull() };
    const { affected } = await tx.update(UserEntity, invited, { password_hash, updated_at: new Date() });
    return affected === 1;
  }

  /** Whether the tenant has an admin who can log in. */
  hasAdmin(tx: Tx): Promise<boolean> {
    const { tenant_id } = tx;
    return tx.existsBy(UserEntity, { tenant_id, role: 'admin', is_active: true, password_hash: Not(IsNull()) });
  }

  /** Ends the user's sessions, API keys and links for good: they do not come back with the user. */
  async deactivate(tx: Tx, id: string): Promise<void> {
    for (const sql of DEACTIVATE) await tx.query(sql, [id]);
  }

  /** With sessions, API keys and links. */
  async remove(tx: Tx, id: string): Promise<void> {
    await tx.query(REMOVE_LINKS, [id]);
    await tx.delete(UserEntity, { tenant_id: tx.tenant_id, id });
  }
}
