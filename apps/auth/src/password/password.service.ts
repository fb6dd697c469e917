import { Inject, Injectable } from '@nestjs/common';
import { limits, ProblemError, type ChangePassword, type ForgotPassword, type ResetPassword } from '@taai/contracts';
import { audit, canonicalEmail, withTenant, withTenantId, type Tx } from '@taai/entities';
import { REDIS, sha256, type RedisClient } from '@taai/platform';
import { DataSource } from 'typeorm';
import { AccountRepository, type Account } from '../login/account.repository';
import { Background } from '../background';
import { currentSession } from '../session/current-session';
import { HourlyLimit } from '../login/hourly-limit';
import { lockTenant } from '../tenant/tenant.repository';
import { LoginAttempts } from '../login/login-attempts';
import { currentNetwork } from '../login/network';
import { OneTimeTokenRepository, type TokenRef } from '../token/one-time-token.repository';
import { requestLink } from '../token/request-link';
import { Passwords } from './password';
import { assertGoodPassword } from './password-rules';
import { SessionRepository } from '../session/session.repository';
import { assertTenantActive } from '../tenant/tenant-status';

@Injectable()
export class PasswordService {
  private readonly mails: HourlyLimit;
  private readonly requests: HourlyLimit;

  constructor(
    private readonly db: DataSource,
    private readonly accounts: AccountRepository,
    private readonly sessions: SessionRepository,
    private readonly tokens: OneTimeTokenRepository,
    private readonly attempts: LoginAttempts,
    private readonly passwords: Passwords,
    private readonly background: Background,
    @Inject(REDIS) redis: RedisClient,
  ) {
    this.mails = new HourlyLimit(redis, 'password-mails', limits.passwordMailsPerHour);
    this.requests = new HourlyLimit(redis, 'password-requests', limits.passwordRequestsPerHour);
  }

  /** Ends the caller's other sessions. Throws `invalid_credentials`, `rate_limited`, `validation_failed`. */
  async change({ current_password, new_password }: ChangePassword): Promise<void> {
    const { user_id, session_id } = currentSession();
    const account = await withTenant(this.db, (tx) => this.accounts.find(tx, user_id));
    if (!account) throw new ProblemError('invalid_credentials');
    const { tenant_name, user } = account;
    const { email } = user;
    assertGoodPassword(new_password, { email, tenant_name }, 'new_password');
    await this.attempts.attemptIn(session_id, () => this.verify(account, current_password));
    const hash = await this.passwords.hash(new_password);
    await withTenant(this.db, async (tx) => {
      const replaced = await this.accounts.replaceHash(tx, user_id, hash, account.password_hash);
      if (!replaced) throw new ProblemError('conflict', 'The password was changed meanwhile.');
      await this.endOthers(tx, user_id, 'password.changed', session_id);
    });
  }

  /** Has a link mailed if there is such an account; the answer and its time do not tell. Throws `rate_limited`. */
  async forgot({ email }: ForgotPassword): Promise<void> {
    const network = currentNetwork();
    if (network) await this.requests.take(network);
    this.background.start(() => this.mailLink(canonicalEmail(email)));
  }

  /** Ends all sessions of the user. Throws `invalid_token`, `tenant_suspended`, `validation_failed`. */
  async reset({ token, new_password }: ResetPassword): Promise<void> {
    const ref = await this.tokens.find(token);
    const account = ref && (await this.holderOf(ref));
    if (!account) throw new ProblemError('invalid_token');
    assertTenantActive(account.tenant_status);
    const { id, email } = account.user;
    assertGoodPassword(new_password, { email, tenant_name: account.tenant_name }, 'new_password');
    const hash = await this.passwords.hash(new_password);
    await withTenantId(this.db, ref.tenant_id, async (tx) => {
      // As for all changes of users: of several at once with the same link, the others wait here.
      await lockTenant(tx);
      const replaced = await this.accounts.replaceHash(tx, id, hash);
      const used = replaced && (await this.tokens.use(tx, ref.id, 'password_reset'));
      if (used !== id) throw new ProblemError('invalid_token');
      await this.endOthers(tx, id, 'password.reset');
    });
    // Who reads the account's mail is let in, however many guess its password.
    await this.attempts.trust(email);
  }

  private async verify({ password_hash }: Account, password: string): Promise<void> {
    if (!(await this.passwords.matches(password, password_hash))) throw new ProblemError('invalid_credentials');
  }

  private holderOf({ tenant_id, id }: TokenRef): Promise<Account | undefined> {
    return withTenantId(this.db, tenant_id, async (tx) => {
      const user_id = await this.tokens.holder(tx, id, 'password_reset');
      return user_id === undefined ? undefined : this.accounts.find(tx, user_id);
    });
  }

  private async mailLink(email: string): Promise<void> {
    if (!(await this.mails.allows(sha256(email)))) return;
    const account = await this.accounts.findByEmail(email);
    if (!account) return;
    const { tenant_id, id } = account.user;
    await withTenantId(this.db, tenant_id, (tx) => requestLink(tx, this.tokens, id, 'password_reset'));
  }

  /** Ends what the old password, or a stolen link, may have opened. */
  private async endOthers(tx: Tx, user_id: string, action: string, except?: string): Promise<void> {
    await this.tokens.cancel(tx, user_id, 'password_reset');
    const sessions_ended = await this.sessions.revokeAll(tx, user_id, except);
    const user = { type: 'user', id: user_id } as const;
    await audit(tx, { action, target: user, after: { sessions_ended }, actor: user });
  }
}
