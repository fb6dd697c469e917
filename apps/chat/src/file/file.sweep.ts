import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { withTenant } from '@taai/entities';
import { DataSource } from 'typeorm';
import { TurnSweep } from '../turn-sweep';
import { FileRepository } from './file.repository';
import { FileService } from './file.service';

const BATCH = 100;
/** A client may come again by its Idempotency-Key for a day, and an upload takes its time. */
const FORSAKEN_SECONDS = 25 * 3600;

/** Removes what is left of uploads that never came to their end, and of deletions that broke off. */
@Injectable()
export class FileSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly turns = new TurnSweep({
    due: () => this.files.due(FORSAKEN_SECONDS, BATCH),
    remove: (tenant_id, ids) => this.remove(tenant_id, ids),
  });

  constructor(
    private readonly db: DataSource,
    private readonly files: FileRepository,
    private readonly service: FileService,
  ) {}

  onApplicationBootstrap(): void {
    this.turns.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.turns.stop();
  }

  sweep(): Promise<void> {
    return this.turns.sweep();
  }

  private async remove(tenant_id: string, ids: readonly string[]): Promise<number> {
    const forsaken = await withTenant(this.db, (tx) => this.files.forsake(tx, ids, FORSAKEN_SECONDS));
    return this.service.erase(tenant_id, forsaken);
  }
}
