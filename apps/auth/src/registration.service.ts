import { Inject, Injectable } from '@nestjs/common';
import { type Register, type Registered } from '@taai/contracts';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { AccountRepository } from './account.repository';
import { canonicalEmail } from './email';
import { EmailConflicts } from './email-conflicts';
import { Passwords } from './password';
import { assertGoodPassword } from './password-rules';

@Injectable()
export class RegistrationService {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: Passwords,
    private readonly conflicts: EmailConflicts,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {}

  /** Throws `email_taken`; `rate_limited` from a network that met it too often, whether or not the address is taken. */
  async register({ tenant_name, email: given, password, name }: Register): Promise<Registered> {
    const email = canonicalEmail(given);
    assertGoodPassword(password, email, 'password');
    const registered = await this.conflicts.guard(async () => {
      const password_hash = await this.passwords.hash(password);
      return this.accounts.create({ tenant_name, email, password_hash, name: name ?? null });
    });
    wakeRelay(this.redis);
    return registered;
  }
}
