import { Inject, Injectable } from '@nestjs/common';
import { limits, type PlanId, type Register, type Registered } from '@taai/contracts';
import { audit, canonicalEmail, withTenantId, type Tx } from '@taai/entities';
import { REDIS, type RedisClient } from '@taai/platform';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AccountRepository, type NewAccount } from '../login/account.repository';
import { EmailConflicts } from './email-conflicts';
import { HourlyLimit } from '../login/hourly-limit';
import { currentNetwork } from '../login/network';
import { Passwords } from '../password/password';
import { assertGoodPassword } from '../password/password-rules';

/** Injects the plan of tenants that register. */
export const DEFAULT_PLAN = Symbol('default plan');

@Injectable()
export class RegistrationService {
  private readonly registrations: HourlyLimit;

  constructor(
    private readonly db: DataSource,
    private readonly accounts: AccountRepository,
    private readonly passwords: Passwords,
    private readonly conflicts: EmailConflicts,
    @Inject(REDIS) redis: RedisClient,
    @Inject(DEFAULT_PLAN) private readonly plan_id: PlanId,
  ) {
    this.registrations = new HourlyLimit(redis, 'registrations', limits.registrationsPerHour);
  }

  /** Throws `email_taken`; `rate_limited` from a network that met it too often, whether or not the address is taken. */
  async register({ tenant_name, email: given, password, name }: Register): Promise<Registered> {
    const email = canonicalEmail(given);
    const network = currentNetwork();
    if (network) await this.registrations.take(network);
    assertGoodPassword(password, { email, tenant_name }, 'password');
    return this.conflicts.guard(email, async () => {
      const password_hash = await this.passwords.hash(password);
      const account = { tenant_name, email, password_hash, name: name ?? null, plan_id: this.plan_id };
      return withTenantId(this.db, v7(), (tx) => this.create(tx, account));
    });
  }

  private async create(tx: Tx, account: NewAccount): Promise<Registered> {
    const registered = await this.accounts.insert(tx, account);
    const { user, tenant } = registered;
    const actor = { type: 'user', id: user.id } as const;
    await audit(tx, { action: 'tenant.created', target: { type: 'tenant', id: tenant.id }, after: tenant, actor });
    await audit(tx, { action: 'user.created', target: actor, after: user, actor });
    return registered;
  }
}
