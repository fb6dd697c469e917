import { tenantDataContracts } from '@taai/contracts';
import { TenantData } from '@taai/entities';
import { Handles } from '@taai/platform';

@Handles(tenantDataContracts.orchestrator)
export class TenantDataHandler extends TenantData('orchestrator') {}
