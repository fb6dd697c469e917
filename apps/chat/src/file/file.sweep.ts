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

  /**
   * Takes what is due in rounds, in which tenants have equal parts: whoever has much to be removed delays nobody. Any number of replicas
   * may do it at once. A failure is reported; its tenant has to wait for the next time.
   */
  async sweep(): Promise<void> {
    const failed = new Set<string>();
    while ((await this.round(failed)) > 0);
  }

  /** Resolves to the number of files that are gone. */
  private async round(failed: Set<string>): Promise<number> {
    const due = Map.groupBy(await this.files.due(FORSAKEN_SECONDS, BATCH), ({ tenant_id }) => tenant_id);
    let gone = 0;
    for (const [tenant_id, files] of due) {
      if (this.stopping) return 0;
      if (!failed.has(tenant_id)) gone += await this.removeOf(tenant_id, files, failed);
    }
    return gone;
  }

  private async removeOf(tenant_id: string, files: { id: string }[], failed: Set<string>): Promise<number> {
    const ids = files.map(({ id }) => id);
    try {
      return await runAs({ tenant_id, permissions: [], issuer: 'chat' }, () => this.remove(tenant_id, ids));
    } catch (error) {
      failed.add(tenant_id);
      reportError(error, { tenant_id });
      return 0;
    }
  }

  private async remove(tenant_id: string, ids: readonly string[]): Promise<number> {
    const forsaken = await withTenant(this.db, (tx) => this.files.forsake(tx, ids, FORSAKEN_SECONDS));
    return this.service.erase(tenant_id, forsaken);
  }
}
