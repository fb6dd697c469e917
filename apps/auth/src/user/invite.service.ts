import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  limits,
  ProblemError,
  type AcceptInvite,
  type InviteUser,
  type Registered,
  type User,
} from '@taai/contracts';
import { audit, canonicalEmail, emit, withTenant, withTenantId, type Tx, type UserEntity } from '@taai/entities';
import { REDIS, sha256, type RedisClient } from '@taai/platform';
import { DataSource } from 'typeorm';
import { EmailConflicts } from '../registration/email-conflicts';
import { HourlyLimit } from '../login/hourly-limit';
import { findTenant, lockTenant, toTenant } from '../tenant/tenant.repository';
import { OneTimeTokenRepository, type TokenRef } from '../token/one-time-token.repository';
import { requestLink } from '../token/request-link';
import { Passwords } from '../password/password';
import { assertGoodPassword } from '../password/password-rules';
import { RoleAuthority } from '../role/role.authority';
import { assertTenantActive } from '../tenant/tenant-status';
import { UserRepository } from './user.repository';

/** Invites users to a tenant by mail. They accept by choosing a password. */
@Injectable()
export class InviteService {
  private readonly ofAddress: HourlyLimit;
  private readonly ofTenant: HourlyLimit;

  constructor(
    private readonly db: DataSource,
    private readonly users: UserRepository,
    private readonly tokens: OneTimeTokenRepository,
    private readonly authority: RoleAuthority,
    private readonly passwords: Passwords,
    private readonly conflicts: EmailConflicts,
    @Inject(REDIS) redis: RedisClient,
  ) {
    this.ofAddress = new HourlyLimit(redis, 'invites-to', limits.invitesToAddressPerHour);
    this.ofTenant = new HourlyLimit(redis, 'invites-of', limits.invitesOfTenantPerHour);
  }

  /** Throws `email_taken`, `rate_limited`, `validation_failed` for an unknown role, and `forbidden` for one beyond the caller's own. */
  async invite({ email: given, name, role }: InviteUser): Promise<User> {
    const fields = { email: canonicalEmail(given), name: name ?? null, role };
    return this.conflicts.guard(fields.email, () => withTenant(this.db, (tx) => this.add(tx, fields)));
  }

  /** Throws `conflict` when the user has accepted, or is not to be let in any more. */
  async inviteAgain(id: string): Promise<User> {
    return withTenant(this.db, async (tx) => {
      await lockTenant(tx);
      const user = found('user', await this.users.find(id, tx));
      await this.authority.assertMayChange(tx, user);
      if (user.status !== 'invited') throw new ProblemError('conflict', `The user is ${user.status} already.`);
      await this.mailLink(tx, user);
      await audit(tx, { action: 'invite.resent', target: { type: 'user', id } });
      return user;
    });
  }

  /** Throws `invalid_token` when the invitation was accepted, replaced or withdrawn, or has expired; `validation_failed`. */
  async accept({ token, password, name }: AcceptInvite): Promise<Registered> {
    const ref = await this.tokens.find(token);
    const owner = ref && (await this.invited(ref));
    if (!owner) throw new ProblemError('invalid_token');
    assertGoodPassword(password, owner, 'password');
    const password_hash = await this.passwords.hash(password);
    return withTenantId(this.db, ref.tenant_id, (tx) => this.enter(tx, ref, password_hash, name));
  }

  /**
   * Has the link mailed. Throws `rate_limited` beyond what a tenant sends to strangers, and what one address gets; a refused
   * invitation counts nothing, so that another tenant's vain ones do not use up what an address gets.
   */
  private async mailLink(tx: Tx, { id, email }: User): Promise<void> {
    await this.ofTenant.take(tx.tenant_id);
    await this.ofAddress.take(sha256(email));
    await requestLink(tx, this.tokens, id, 'invite');
  }

  private async add(tx: Tx, fields: Pick<UserEntity, 'email' | 'name' | 'role'>): Promise<User> {
    await lockTenant(tx);
    await this.authority.assertMayGive(tx, fields.role);
    const user = await this.users.insert(tx, fields);
    await this.mailLink(tx, user);
    await emit(tx, 'user.invited', { ...user });
    await audit(tx, { action: 'user.invited', target: { type: 'user', id: user.id }, after: fields });
    return user;
  }

  /** Resolves to whom the link lets in; undefined when it does not work any more. */
  private invited({ tenant_id, id }: TokenRef): Promise<{ email: string; tenant_name: string } | undefined> {
    return withTenantId(this.db, tenant_id, async (tx) => {
      const user_id = await this.tokens.holder(tx, id, 'invite');
      const user = user_id === undefined ? undefined : await this.users.find(user_id, tx);
      const tenant = await findTenant(tx);
      return user && tenant && { email: user.email, tenant_name: tenant.name };
    });
  }

  private async enter(tx: Tx, { id }: TokenRef, password_hash: string, name?: string): Promise<Registered> {
    const tenant = await lockTenant(tx);
    assertTenantActive(tenant.status);
    const user_id = await this.tokens.use(tx, id, 'invite');
    if (user_id === undefined || !(await this.users.setFirstPassword(tx, user_id, password_hash))) {
      throw new ProblemError('invalid_token');
    }
    if (name !== undefined) await this.users.update(tx, user_id, { name });
    const user = found('user', await this.users.find(user_id, tx));
    await emit(tx, 'user.created', { ...user });
    const actor = { type: 'user', id: user_id } as const;
    await audit(tx, { action: 'invite.accepted', target: { type: 'user', id: user_id }, actor });
    return { user, tenant: toTenant(tenant) };
  }
}
