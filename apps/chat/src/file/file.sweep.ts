import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { withTenant } from '@taai/entities';
import { Periodic, reportError } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { FileRepository } from './file.repository';
import { FileService } from './file.service';

const EVERY_MS = 60_000;
const BATCH = 100;
/** A client may come again by its Idempotency-Key for a day, and an upload takes its time. */
const FORSAKEN_SECONDS = 25 * 3600;

/** Removes what is left of uploads that never came to their end, and of deletions that broke off. */
@Injectable()
export class FileSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeping = new Periodic(EVERY_MS, () => this.sweep());
  private stopping = false;

  constructor(
    private readonly db: DataSource,
    private readonly files: FileRepository,
    private readonly service: FileService,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeping.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.sweeping.stop();
  }

  /** Any number of replicas may do it at once. A failure is reported, and the other tenants' files go all the same. */
  async sweep(): Promise<void> {
    const due = Map.groupBy(await this.files.due(FORSAKEN_SECONDS, BATCH), ({ tenant_id }) => tenant_id);
    for (const [tenant_id, files] of due) {
      if (this.stopping) return;
      const ids = files.map(({ id }) => id);
      const removing = runAs({ tenant_id, permissions: [], issuer: 'chat' }, () => this.remove(tenant_id, ids));
      await removing.catch((error: unknown) => reportError(error, { tenant_id }));
    }
  }

  private async remove(tenant_id: string, ids: readonly string[]): Promise<void> {
    const forsaken = await withTenant(this.db, (tx) => this.files.forsake(tx, ids, FORSAKEN_SECONDS));
    await this.service.erase(tenant_id, forsaken);
  }
}
