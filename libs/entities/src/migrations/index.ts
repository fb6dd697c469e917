import { Init1764000000000 } from './1764000000000-init';
import { Identity1764100000000 } from './1764100000000-identity';
import { AiEngine1764200000000 } from './1764200000000-ai-engine';
import { TenantLimits1764300000040 } from './1764300000040-tenant-limits';

/** The migrations in the order in which they run. */
export const migrations = [Init1764000000000, Identity1764100000000, AiEngine1764200000000, TenantLimits1764300000040];
