import { tenantDataContracts } from '@taai/contracts';
import { TenantData } from '@taai/entities';
import { Handles } from '@taai/platform';

@Handles(tenantDataContracts.webhook)
export class TenantDataHandler extends TenantData('webhook') {}
