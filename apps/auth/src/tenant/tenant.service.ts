import { Inject, Injectable } from '@nestjs/common';
import type { TenantDetails, UpdateTenant } from '@taai/contracts';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { TenantRepository } from './tenant.repository';
import { changedSettings, deletionTime } from './tenant.rules';

/** Injects the days between a deletion and its execution. */
export const GRACE_DAYS = Symbol('grace days');

@Injectable()
export class TenantService {
  constructor(
    private readonly tenants: TenantRepository,
    @Inject(REDIS) private readonly redis: RedisClient,
    @Inject(GRACE_DAYS) private readonly graceDays: number,
  ) {}

  get(): Promise<TenantDetails> {
    return this.tenants.read();
  }

  /** Throws `validation_failed` when the settings grow too large. */
  async update({ name, settings = {} }: UpdateTenant): Promise<TenantDetails> {
    const tenant = await this.tenants.change((before) => ({
      name: name ?? before.name,
      settings: changedSettings(before.settings, settings),
    }));
    wakeRelay(this.redis);
    return tenant;
  }

  async remove(): Promise<void> {
    await this.tenants.requestDeletion(deletionTime(new Date(), this.graceDays));
    wakeRelay(this.redis);
  }
}
