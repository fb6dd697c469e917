import { Injectable } from '@nestjs/common';
import { found, ProblemError, type JsonWebKeySet, type Me } from '@taai/contracts';
import { withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { AccessTokens } from '../access/access-token';
import { findTenant, toTenant } from '../tenant/tenant.repository';
import { UserRepository } from '../user/user.repository';

@Injectable()
export class AuthService {
  constructor(
    private readonly db: DataSource,
    private readonly users: UserRepository,
    private readonly accessTokens: AccessTokens,
  ) {}

  /** Throws `forbidden` for a caller that is no user, `not_found` for a user who is gone. */
  async me(): Promise<Me> {
    const { user_id, permissions } = currentCaller();
    if (!user_id) throw new ProblemError('forbidden', 'The caller is no user.');
    return withTenant(this.db, async (tx) => {
      const user = found('user', await this.users.find(user_id, tx));
      const tenant = toTenant(found('tenant', await findTenant(tx)));
      return { user, tenant, permissions: [...permissions] };
    });
  }

  async jwks(): Promise<JsonWebKeySet> {
    return { keys: this.accessTokens.published() };
  }
}
