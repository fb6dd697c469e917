import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { erasureOrder } from '@taai/contracts';
import { violatedConstraint } from '@taai/entities';
import { log, Periodic, reportError } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { TENANT_DATA, type TenantDataOf } from './tenant-data.clients';
import { TenantRepository } from './tenant.repository';

const SWEEP_MS = 15_000;
const BATCH = 100;

/**
 * Erases tenants whose time of grace is over. Nothing is remembered between two calls: after a crash, or beside another
 * replica, it goes on with what is still there.
 */
@Injectable()
export class TenantEraser implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeping = new Periodic(SWEEP_MS, () => this.sweep());
  private stopping = false;

  constructor(
    private readonly tenants: TenantRepository,
    @Inject(TENANT_DATA) private readonly dataOf: TenantDataOf,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeping.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.sweeping.stop();
  }

  /** Erases every due tenant. A failure is reported, and the other tenants are erased all the same. */
  async sweep(): Promise<void> {
    for (const tenant_id of await this.tenants.due(BATCH)) {
      if (this.stopping) return;
      const erasing = runAs({ tenant_id, permissions: [], issuer: 'auth' }, () => this.erase());
      await erasing.catch((error: unknown) => reportError(error, { tenant_id }));
    }
  }

  /** Erases the rows of all services, and the tenant itself when a whole round has found nothing any more. */
  private async erase(): Promise<void> {
    while ((await this.round()) > 0) if (this.stopping) return;
    try {
      if (await this.tenants.erase()) log.info('a tenant was erased');
    } catch (error) {
      if (violatedConstraint(error) === undefined) throw error;
      log.info('rows of a tenant are still being erased by another replica');
    }
  }

  private async round(): Promise<number> {
    let erased = 0;
    for (const service of erasureOrder) {
      let rows: number;
      do erased += ({ rows } = await this.dataOf(service).erase({})).rows;
      while (rows > 0 && !this.stopping);
    }
    return erased;
  }
}
