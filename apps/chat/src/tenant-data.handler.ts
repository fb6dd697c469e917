import { tenantDataContracts } from '@taai/contracts';
import { TenantData } from '@taai/entities';
import { Handles } from '@taai/platform';

@Handles(tenantDataContracts.chat)
export class TenantDataHandler extends TenantData('chat') {}
