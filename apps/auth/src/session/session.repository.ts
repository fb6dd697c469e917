import { Injectable } from '@nestjs/common';
import { limits, type Session, type TenantStatus, type User } from '@taai/contracts';
import { accessChanged, RlsPool, Rows, SessionEntity, sql, type Tx } from '@taai/entities';
import { sha256 } from '@taai/platform';
import { currentContext } from '@taai/tenant';
import { DataSource } from 'typeorm';
import type { Account } from '../login/account.repository';
import { toUser, type UserRow } from '../user/user.repository';
import type { RefreshState } from './refresh-token';

const LIFETIME_MS = limits.sessionSeconds * 1000;

/** The session of a refresh token. */
interface SessionRef {
  tenant_id: string;
  session_id: string;
}

/** A session that nobody else may change now, and its user. */
interface LockedSession extends RefreshState {
  user: User;
  is_living: boolean;
  tenant_status: TenantStatus;
}

type LockedRow = Omit<LockedSession, 'user'> & UserRow;

/** It needs the hash that the password was checked against, so that no session is opened by a password that was just replaced. */
const TOUCH_USER = sql(`
  update users set last_login_at = now() where id = $1 and password_hash = $2 and is_active returning id`);

const opened = new Rows(SessionEntity, ['id', 'expires_at']);

const FIND = sql('select tenant_id, session_id from find_refresh_token($1)');

const LIVING = 's.revoked_at is null and s.expires_at > now()';

const LOCK = sql(`
  select u.id, u.tenant_id, u.email, u.name, u.role, u.created_at, u.last_login_at, u.password_hash, u.is_active, t.status as tenant_status,
    s.refresh_token_hash, s.refresh_salt, s.refresh_rotated_at > now() - interval '10 seconds' as is_fresh,
    ${LIVING} as is_living
  from sessions s
  join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
  join tenants t on t.id = s.tenant_id
  where s.id = $1 for update of s`);

const ROTATE = sql(`
  with used as (
    insert into used_refresh_tokens (tenant_id, token_hash, session_id)
    select tenant_id, refresh_token_hash, id from sessions where id = $1
  )
  update sessions set refresh_token_hash = $2, refresh_salt = $3, refresh_rotated_at = now() where id = $1`);

const LIST = sql(`
  select s.id, s.ip, s.user_agent, s.created_at, coalesce(s.refresh_rotated_at, s.created_at) as last_used_at, s.expires_at
  from sessions s where s.user_id = $1 and ${LIVING} and ($2::uuid is null or s.id < $2) order by s.id desc limit $3`);

const REVOKE = sql(`
  update sessions s set revoked_at = now()
  where s.id = $1 and ($2::uuid is null or s.user_id = $2) and ${LIVING} returning s.id`);

const REVOKE_ALL = sql(`
  update sessions s set revoked_at = now()
  where s.user_id = $1 and s.id is distinct from $2::uuid and ${LIVING} returning s.id`);

/** The sessions of users. An access token names its session, and ends with it. */
@Injectable()
export class SessionRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Opens a session of 30 days. Resolves to undefined when the account's password is not the same any more. */
  async open(
    tx: Tx,
    { user, password_hash }: Account,
    refresh_token_hash: string,
  ): Promise<{ id: string; expires_at: Date } | undefined> {
    const touched = await tx.write(TOUCH_USER, [user.id, password_hash]);
    if (touched.length === 0) return undefined;
    const { ip = null, user_agent = null } = currentContext() ?? {};
    const created_at = new Date();
    const expires_at = new Date(created_at.getTime() + LIFETIME_MS);
    return opened.insert(tx, { user_id: user.id, refresh_token_hash, ip, user_agent, created_at, expires_at });
  }

  /** Resolves to the session of a refresh token, living or used; undefined for a token that never was. */
  async find(refresh_token: string): Promise<SessionRef | undefined> {
    const [ref] = await this.db.query<SessionRef[]>(FIND, [sha256(refresh_token)]);
    return ref;
  }

  /** Resolves to the session, which nobody else changes until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<LockedSession | undefined> {
    const [row] = await tx.read<LockedRow>(LOCK, [id]);
    if (!row) return undefined;
    const { refresh_token_hash, refresh_salt, is_fresh, is_living, tenant_status } = row;
    return { refresh_token_hash, refresh_salt, is_fresh, is_living, tenant_status, user: toUser(row) };
  }

  /** Makes the living token a used one, and `successor` the living one. */
  async rotate(tx: Tx, id: string, successor: string, salt: string): Promise<void> {
    await tx.write(ROTATE, [id, sha256(successor), salt]);
  }

  /** Resolves to the living sessions of a user of the caller's tenant, newest first. */
  list(user_id: string, after: string | undefined, count: number): Promise<Omit<Session, 'is_current'>[]> {
    return this.rls.read(LIST, [user_id, after ?? null, count]);
  }

  /** Ends a living session, of the user if one is named. Resolves to whether there was one. */
  async revoke(tx: Tx, id: string, user_id?: string): Promise<boolean> {
    const revoked = await tx.write(REVOKE, [id, user_id ?? null]);
    if (revoked.length === 0) return false;
    await accessChanged(tx, 'session', id);
    return true;
  }

  /** Ends a user's sessions, but for one if it is named. Resolves to how many that were. */
  async revokeAll(tx: Tx, user_id: string, except?: string): Promise<number> {
    const revoked = await tx.write(REVOKE_ALL, [user_id, except ?? null]);
    if (revoked.length > 0) await accessChanged(tx, 'user', user_id);
    return revoked.length;
  }
}
