import { Inject, Injectable } from '@nestjs/common';
import { ProblemError, type Register, type Registered } from '@taai/contracts';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { AccountRepository } from './account.repository';
import { canonicalEmail } from './email';
import { HourlyLimit } from './hourly-limit';
import { currentNetwork } from './network';
import { Passwords } from './password';
import { assertGoodPassword } from './password-rules';

/** Addresses that a network may learn to be taken, per hour. */
const CONFLICTS = 10;

@Injectable()
export class RegistrationService {
  private readonly conflicts: HourlyLimit;

  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: Passwords,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {
    this.conflicts = new HourlyLimit(redis, 'email-taken', CONFLICTS);
  }

  /** Throws `email_taken`; `rate_limited` from a network that met it too often, whether or not the address is taken. */
  async register({ tenant_name, email: given, password, name }: Register): Promise<Registered> {
    const email = canonicalEmail(given);
    const network = currentNetwork();
    assertGoodPassword(password, email, 'password');
    if (network) await this.conflicts.check(network);
    const password_hash = await this.passwords.hash(password);
    try {
      const registered = await this.accounts.create({ tenant_name, email, password_hash, name: name ?? null });
      wakeRelay(this.redis);
      return registered;
    } catch (error) {
      if (network && error instanceof ProblemError && error.code === 'email_taken') await this.conflicts.take(network);
      throw error;
    }
  }
}
