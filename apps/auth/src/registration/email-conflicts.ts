import { Inject, Injectable } from '@nestjs/common';
import { limits, ProblemError } from '@taai/contracts';
import { audit, withTenantId } from '@taai/entities';
import { REDIS, type RedisClient } from '@taai/platform';
import { DataSource } from 'typeorm';
import { AccountRepository } from '../login/account.repository';
import { HourlyLimit } from '../login/hourly-limit';
import { currentPayer } from '../login/network';

/** Keeps the answer `email_taken` from telling anybody who asks for long which addresses have accounts. */
@Injectable()
export class EmailConflicts {
  private readonly conflicts: HourlyLimit;

  constructor(
    private readonly db: DataSource,
    private readonly accounts: AccountRepository,
    @Inject(REDIS) redis: RedisClient,
  ) {
    this.conflicts = new HourlyLimit(redis, 'email-taken', limits.emailConflictsPerHour);
  }

  /**
   * `work`, which takes an address into use. Its `email_taken` is counted; throws `rate_limited` to a tenant, or to a network of
   * strangers, that met it too often, taken or not. An invitation that was never accepted holds an address no longer than its link works.
   *
   * @param email Canonical.
   */
  async guard<T>(email: string, work: () => Promise<T>): Promise<T> {
    const payer = currentPayer();
    if (payer) await this.conflicts.check(payer);
    try {
      return await work().catch((error: unknown) => this.again(email, work, error));
    } catch (error) {
      if (payer && isConflict(error)) await this.conflicts.take(payer);
      throw error;
    }
  }

  private async again<T>(email: string, work: () => Promise<T>, error: unknown): Promise<T> {
    if (isConflict(error) && (await this.dropInvited(email))) return work();
    throw error;
  }

  /** Removes whom the address names if they were invited and never came; resolves to whether there was one. */
  private async dropInvited(email: string): Promise<boolean> {
    const login = await this.accounts.findLogin(email);
    if (!login) return false;
    return withTenantId(this.db, login.tenant_id, async (tx) => {
      if (!(await this.accounts.dropInvited(tx, login.user_id))) return false;
      const target = { type: 'user', id: login.user_id };
      await audit(tx, { action: 'invite.expired', target, actor: { type: 'service', id: 'auth' } });
      return true;
    });
  }
}

const isConflict = (error: unknown) => error instanceof ProblemError && error.code === 'email_taken';
