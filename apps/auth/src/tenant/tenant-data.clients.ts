import type { FactoryProvider } from '@nestjs/common';
import { tenantDataContracts, type DatabaseService, type TenantDataContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';

/** Injects `TenantDataOf`. */
export const TENANT_DATA = Symbol('tenant data');

/** Each service's access to its own rows of the caller's tenant. */
export type TenantDataOf = (service: DatabaseService) => Client<TenantDataContract>;

export const tenantDataClients: FactoryProvider<TenantDataOf> = {
  provide: TENANT_DATA,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => (service) => rpc.for(tenantDataContracts[service]),
};
