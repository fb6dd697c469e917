import { tenantDataContracts } from '@taai/contracts';
import { TenantData } from '@taai/entities';
import { Handles } from '@taai/platform';

@Handles(tenantDataContracts.task)
export class TenantDataHandler extends TenantData('task') {}
