import { Injectable } from '@nestjs/common';
import type { User, UserStatus } from '@taai/contracts';
import { RlsPool, Rows, sql, UserEntity, type Reader, type Tx } from '@taai/entities';
import { explainTakenEmail } from '../registration/email';

export type UserFields = Pick<UserEntity, 'name' | 'role' | 'is_active'>;

export type UserRow = Omit<UserEntity, 'updated_at'>;

export const users = new Rows(UserEntity, [
  'id',
  'tenant_id',
  'email',
  'name',
  'role',
  'password_hash',
  'is_active',
  'created_at',
  'last_login_at',
]);

const SET_FIRST_PASSWORD = sql(`
  update users set password_hash = $2, updated_at = now()
  where id = $1 and is_active and password_hash is null returning id`);

const ADMIN = sql(`
  select id from users where role = 'admin' and is_active and password_hash is not null limit 1`);

const REMOVE_LINKS = sql('delete from one_time_tokens where user_id = $1');

// Whoever uses a link changes its user next, and the user's sessions last: locked in another order, each would wait for the other.
const DEACTIVATE = [
  REMOVE_LINKS,
  sql('update users set is_active = false, updated_at = now() where id = $1'),
  sql('update sessions set revoked_at = now() where user_id = $1 and revoked_at is null'),
  sql('update api_keys set revoked_at = now() where created_by = $1 and revoked_at is null'),
];

/** The users of a tenant. */
@Injectable()
export class UserRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Resolves to users, newest first, those before the id `after`. */
  async page(after: string | undefined, limit: number): Promise<User[]> {
    return (await users.page(this.rls, after, limit)).map(toUser);
  }

  async find(id: string, db: Reader = this.rls): Promise<User | undefined> {
    const row = await users.find(db, { id });
    return row && toUser(row);
  }

  /** Adds a user without a password. Throws `email_taken`. */
  async insert(tx: Tx, fields: Pick<UserEntity, 'email' | 'name' | 'role'>): Promise<User> {
    return toUser(await users.insert(tx, fields).catch(explainTakenEmail));
  }

  async update(tx: Tx, id: string, fields: Partial<UserFields>): Promise<User | undefined> {
    const row = await users.update(tx, { id }, fields);
    return row && toUser(row);
  }

  /** Gives an invited user who is active the password. Resolves to whether it was one. */
  async setFirstPassword(tx: Tx, id: string, password_hash: string): Promise<boolean> {
    return (await tx.write(SET_FIRST_PASSWORD, [id, password_hash])).length > 0;
  }

  /** Resolves to whether the tenant has an admin who can log in. */
  async hasAdmin(tx: Tx): Promise<boolean> {
    return (await tx.read(ADMIN)).length > 0;
  }

  /** Ends the user's sessions, API keys and links for good: they do not come back with the user. */
  async deactivate(tx: Tx, id: string): Promise<void> {
    for (const text of DEACTIVATE) await tx.write(text, [id]);
  }

  /** Removes the user with their sessions, API keys and links. */
  async remove(tx: Tx, id: string): Promise<void> {
    await tx.write(REMOVE_LINKS, [id]);
    await users.remove(tx, { id });
  }
}

/** Returns what clients are told of a user. It names the fields one by one, so that a new column is not shown by accident. */
export function toUser(row: UserRow): User {
  const { id, tenant_id, email, name, role, is_active, created_at, last_login_at } = row;
  return { id, tenant_id, email, name, role, is_active, status: statusOf(row), created_at, last_login_at };
}

function statusOf({ is_active, password_hash }: UserRow): UserStatus {
  if (!is_active) return 'inactive';
  return password_hash === null ? 'invited' : 'active';
}
