import { Inject, Injectable } from '@nestjs/common';
import { Channels, keys, log, REDIS, type RedisClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';

export interface ChangeListener {
  onChange(tenant_id: string): void;
  /** Changes of any tenant may have been missed. */
  onGap(): void;
}

/** Tells every replica, this one first, whose providers or agents were changed. */
@Injectable()
export class TenantChanges {
  private readonly listeners: ChangeListener[] = [];

  constructor(
    @Inject(REDIS) private readonly redis: RedisClient,
    channels: Channels,
  ) {
    channels.listen(keys.tenantChanged(), {
      onMessage: (tenant_id) => this.tell(tenant_id),
      onSubscribed: () => this.listeners.forEach((listener) => listener.onGap()),
    });
  }

  listen(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  /** Call it for the caller's tenant, after the commit. It never fails: what nobody hears, caches forget by themselves in time. */
  async announce(): Promise<void> {
    const { tenant_id } = currentCaller();
    this.tell(tenant_id);
    try {
      await this.redis.publish(keys.tenantChanged(), tenant_id);
    } catch (error) {
      log.warn({ err: error, tenant_id }, 'other replicas were not told of a change');
    }
  }

  private tell(tenant_id: string): void {
    this.listeners.forEach((listener) => listener.onChange(tenant_id));
  }
}
