import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { REDIS, type RedisClient } from '@taai/platform';
import { HourlyLimit } from './hourly-limit';
import { currentNetwork } from './network';

/** Addresses that a network may learn to be taken, per hour. */
const CONFLICTS = 10;

/** Keeps the answer `email_taken` from telling anybody who asks for long which addresses have accounts. */
@Injectable()
export class EmailConflicts {
  private readonly conflicts: HourlyLimit;

  constructor(@Inject(REDIS) redis: RedisClient) {
    this.conflicts = new HourlyLimit(redis, 'email-taken', CONFLICTS);
  }

  /** `work`, whose `email_taken` is counted; throws `rate_limited` to a network that met it too often, taken or not. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    const network = currentNetwork();
    if (!network) return work();
    await this.conflicts.check(network);
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'email_taken') await this.conflicts.take(network);
      throw error;
    }
  }
}
