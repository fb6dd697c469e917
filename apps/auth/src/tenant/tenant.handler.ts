import { tenantContract, type ById, type Empty, type ReadChunk, type UpdateTenant } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ExportService } from '../export/export.service';
import { TenantService } from './tenant.service';

@Handles(tenantContract)
export class TenantHandler {
  constructor(
    private readonly tenants: TenantService,
    private readonly exports: ExportService,
  ) {}

  get(_: Empty) {
    return this.tenants.get();
  }

  update(input: UpdateTenant) {
    return this.tenants.update(input);
  }

  remove(_: Empty) {
    return this.tenants.remove();
  }

  startExport(_: Empty) {
    return this.exports.start();
  }

  archive(input: ById) {
    return this.exports.archive(input);
  }

  chunk(input: ReadChunk) {
    return this.exports.chunk(input);
  }
}
