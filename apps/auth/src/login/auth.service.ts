import { Injectable } from '@nestjs/common';
import { ProblemError, type JsonWebKeySet, type Me } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import { AccessTokens } from '../access/access-token';
import { AccountRepository } from './account.repository';

@Injectable()
export class AuthService {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly accessTokens: AccessTokens,
  ) {}

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
