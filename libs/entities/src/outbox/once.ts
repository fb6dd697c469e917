import { createHash } from 'node:crypto';
import { currentCaller, currentContext } from '@taai/tenant';
import { idempotent } from './idempotency';
import type { Tx } from '../database/with-tenant';

/**
 * Does the work of a creating method; once only, if its request carries an Idempotency-Key: see `idempotent`. `method` is the
 * RPC name, `input` all that makes the request what it is.
 */
export async function once<T>(tx: Tx, method: string, input: object, work: () => Promise<T>): Promise<T> {
  const key = currentContext()?.idempotency_key;
  const { user_id: userId } = currentCaller();
  if (key === undefined || userId === undefined) return work();
  const requestHash = createHash('sha256').update(JSON.stringify(input)).digest('hex');
  return idempotent(tx, { method, key, userId, requestHash }, work);
}
