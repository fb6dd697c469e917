import { currentCaller, runAs } from '@taai/tenant';

/**
 * Does work for the caller's tenant in the name of the chat service. Such work may outlast the request's token, and is not
 * part of what the request's Idempotency-Key protects.
 */
export const asChat = <T>(work: () => T): T =>
  runAs({ tenant_id: currentCaller().tenant_id, permissions: [], issuer: 'chat' }, work);
