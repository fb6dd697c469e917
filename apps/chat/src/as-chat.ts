import { currentCaller, runAs } from '@taai/tenant';

/**
 * Does work of chat's own for the tenant at hand. It outlives the request's token, and is none of what the request's Idempotency-Key
 * stands for.
 */
export const asChat = <T>(work: () => T): T =>
  runAs({ tenant_id: currentCaller().tenant_id, permissions: [], issuer: 'chat' }, work);
