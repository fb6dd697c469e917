import { Injectable } from '@nestjs/common';
import {
  ProblemError,
  type JsonWebKeySet,
  type LoggedIn,
  type Login,
  type Me,
  type Register,
  type Registered,
} from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import { ACCESS_TOKEN_TTL, AccessTokens } from './access-token';
import { AccountRepository } from './account.repository';
import { canonicalEmail } from './email';
import { Passwords } from './password';
import { mintToken } from './opaque-token';
import { SessionRepository } from './session.repository';

@Injectable()
export class AuthService {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly sessions: SessionRepository,
    private readonly passwords: Passwords,
    private readonly accessTokens: AccessTokens,
  ) {}

  /** Throws `email_taken`. */
  async register({ tenant_name, email, password, name }: Register): Promise<Registered> {
    const password_hash = await this.passwords.hash(password);
    return this.accounts.create({ tenant_name, email: canonicalEmail(email), password_hash, name: name ?? null });
  }

  /** Throws `invalid_credentials`, after the same work, whether the account is unknown, inactive, or has another password. */
  async login({ email, password }: Login): Promise<LoggedIn> {
    const account = await this.accounts.findByEmail(canonicalEmail(email));
    const isRight = await this.passwords.matches(password, account?.password_hash);
    if (!account || !isRight) throw new ProblemError('invalid_credentials');

    const { user } = account;
    const refresh = mintToken();
    const sid = await this.sessions.open(user, refresh.hash);
    return {
      access_token: await this.accessTokens.sign({ sub: user.id, tenant_id: user.tenant_id, role: user.role, sid }),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_TTL,
      refresh_token: refresh.token,
      user,
    };
  }

  /** Throws `forbidden` for a caller that is no user, `not_found` for a user who is gone. */
  async me(): Promise<Me> {
    const { user_id, permissions } = currentCaller();
    if (!user_id) throw new ProblemError('forbidden', 'The caller is no user.');
    return { ...(await this.accounts.read(user_id)), permissions: [...permissions] };
  }

  async jwks(): Promise<JsonWebKeySet> {
    return { keys: this.accessTokens.published() };
  }
}
