import { Inject, Injectable } from '@nestjs/common';
import { limits, type Register, type Registered } from '@taai/contracts';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { AccountRepository } from '../login/account.repository';
import { canonicalEmail } from './email';
import { EmailConflicts } from './email-conflicts';
import { HourlyLimit } from '../login/hourly-limit';
import { currentNetwork } from '../login/network';
import { Passwords } from '../password/password';
import { assertGoodPassword } from '../password/password-rules';

@Injectable()
export class RegistrationService {
  private readonly registrations: HourlyLimit;

  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: Passwords,
    private readonly conflicts: EmailConflicts,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {
    this.registrations = new HourlyLimit(redis, 'registrations', limits.registrationsPerHour);
  }

  /** Throws `email_taken`; `rate_limited` from a network that met it too often, whether or not the address is taken. */
  async register({ tenant_name, email: given, password, name }: Register): Promise<Registered> {
    const email = canonicalEmail(given);
    assertGoodPassword(password, email, 'password');
    const network = currentNetwork();
    if (network) await this.registrations.take(network);
    const registered = await this.conflicts.guard(email, async () => {
      const password_hash = await this.passwords.hash(password);
      return this.accounts.create({ tenant_name, email, password_hash, name: name ?? null });
    });
    wakeRelay(this.redis);
    return registered;
  }
}
