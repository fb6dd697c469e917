import { Injectable } from '@nestjs/common';
import type {
  DatabaseService,
  Empty,
  Handler,
  ReadRows,
  RowCount,
  TenantDataContract,
  TenantRows,
} from '@taai/contracts';
import { DataSource } from 'typeorm';
import { eraseTenantRows } from './tenant-erasure';
import { countTenantRows, readTenantRows } from './tenant-rows';
import { withTenant } from '../database/with-tenant';

/** The base class of a service's handler of its `tenantDataContracts`: it reads and erases the caller's tenant's rows. */
export function TenantData(service: DatabaseService) {
  @Injectable()
  class TenantDataHandler implements Handler<TenantDataContract> {
    constructor(readonly db: DataSource) {}

    async count(_: Empty): Promise<RowCount> {
      return { rows: await withTenant(this.db, (tx) => countTenantRows(tx, service)) };
    }

    rows({ cursor }: ReadRows): Promise<TenantRows> {
      return withTenant(this.db, (tx) => readTenantRows(tx, service, cursor));
    }

    async erase(_: Empty): Promise<RowCount> {
      return { rows: await withTenant(this.db, (tx) => eraseTenantRows(tx, service)) };
    }
  }
  return TenantDataHandler;
}
