import { tenantDataContracts } from '@taai/contracts';
import { TenantData } from '@taai/entities';
import { Handles } from '@taai/platform';

@Handles(tenantDataContracts.usage)
export class TenantDataHandler extends TenantData('usage') {}
