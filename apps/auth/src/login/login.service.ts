import { Injectable } from '@nestjs/common';
import { ProblemError, type LoggedIn, type Login } from '@taai/contracts';
import { audit, canonicalEmail, withTenantId } from '@taai/entities';
import { DataSource } from 'typeorm';
import { AccessTokens } from '../access/access-token';
import { AccountRepository, type Account } from './account.repository';
import { tokenResponse, type OpenSession } from './token-response';
import { LoginAttempts } from './login-attempts';
import { mintToken } from '../token/opaque-token';
import { Passwords } from '../password/password';
import { SessionRepository } from '../session/session.repository';
import { assertTenantActive } from '../tenant/tenant-status';

@Injectable()
export class LoginService {
  constructor(
    private readonly db: DataSource,
    private readonly accounts: AccountRepository,
    private readonly sessions: SessionRepository,
    private readonly attempts: LoginAttempts,
    private readonly passwords: Passwords,
    private readonly accessTokens: AccessTokens,
  ) {}

  /**
   * Throws `invalid_credentials`, after the same work, whether the account is unknown, inactive, or has another password;
   * `tenant_suspended` to who knows the password; `rate_limited` after many failures.
   */
  async login({ email: given, password }: Login): Promise<LoggedIn> {
    const email = canonicalEmail(given);
    // Looks again when the hash was replaced between check and opening: by a change of the password, or by another login's upgrade.
    const open = async () => (await this.open(email, password)) ?? (await this.open(email, password));
    const session = await this.attempts.attempt(email, async () => {
      const opened = await open();
      if (!opened) throw new ProblemError('invalid_credentials');
      return opened;
    });
    return tokenResponse(this.accessTokens, session);
  }

  private async open(email: string, password: string): Promise<OpenSession | undefined> {
    const account = await this.accounts.findByEmail(email);
    const isRight = await this.passwords.matches(password, account?.password_hash);
    if (!account || !isRight) throw new ProblemError('invalid_credentials');
    assertTenantActive(account.tenant_status);
    const { token, hash } = mintToken();
    const session_id = await this.openSession(account, hash);
    if (session_id === undefined) return undefined;
    await this.upgrade(account, password);
    return { user: account.user, session_id, refresh_token: token };
  }

  private openSession(account: Account, token_hash: string): Promise<string | undefined> {
    const { tenant_id, id: user_id } = account.user;
    return withTenantId(this.db, tenant_id, async (tx) => {
      const opened = await this.sessions.open(tx, account, token_hash);
      if (!opened) return undefined;
      const { id, expires_at } = opened;
      const actor = { type: 'user', id: user_id } as const;
      await audit(tx, { action: 'session.opened', target: { type: 'session', id }, after: { expires_at }, actor });
      return id;
    });
  }

  /** Hashes the password anew when the configured cost has changed. If too much is being hashed now, a later login does it. */
  private async upgrade({ user, password_hash }: Account, password: string): Promise<void> {
    if (!this.passwords.isOutdated(password_hash)) return;
    const upgraded = await this.passwords.hash(password).catch(unlessOverloaded);
    if (upgraded === undefined) return;
    const replace = this.accounts.replaceHash.bind(this.accounts);
    await withTenantId(this.db, user.tenant_id, (tx) => replace(tx, user.id, upgraded, password_hash));
  }
}

function unlessOverloaded(error: unknown): undefined {
  if (!(error instanceof ProblemError && error.code === 'overloaded')) throw error;
}
