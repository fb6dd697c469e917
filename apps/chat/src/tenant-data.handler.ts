import { tenantDataContracts, type Empty, type RowCount } from '@taai/contracts';
import { assertErasable, TenantData, withTenant } from '@taai/entities';
import { Handles } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ContextCache } from './context/context-cache';
import { FileRepository } from './file/file.repository';
import { FileService } from './file/file.service';

const BATCH = 100;

/** Chat's rows, what its files' rows stand for, and what Redis has of messages: these go before the rows. */
@Handles(tenantDataContracts.chat)
export class TenantDataHandler extends TenantData('chat') {
  constructor(
    db: DataSource,
    private readonly files: FileRepository,
    private readonly service: FileService,
    private readonly contexts: ContextCache,
  ) {
    super(db);
  }

  override async erase(input: Empty): Promise<RowCount> {
    const { tenant_id } = currentCaller();
    const ids = await withTenant(this.db, async (tx) => {
      await assertErasable(tx);
      return this.files.some(tx, BATCH);
    });
    await this.contexts.erase();
    return ids.length > 0 ? { rows: await this.service.erase(tenant_id, ids) } : super.erase(input);
  }
}
