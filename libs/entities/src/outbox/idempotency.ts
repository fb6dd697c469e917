import { ProblemError } from '@taai/contracts';
import type { OncePerKey } from '@taai/tenant';
import type { Tx } from '../database/tx';
import { sql } from '../database/statement';

export type IdempotentRequest = Omit<OncePerKey, 'transaction'>;

const LOCK = sql(`select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as is_mine`);

const FIND = sql(`
  select request_hash, response from idempotency_keys
  where tenant_id = $1 and user_id = $2 and method = $3 and key = $4 and expires_at > now()`);

const STORE = sql(`
  insert into idempotency_keys (tenant_id, user_id, method, key, request_hash, response, expires_at)
  values ($1, $2, $3, $4, $5, $6, now() + interval '24 hours')
  on conflict (tenant_id, user_id, method, key) do update
  set request_hash = excluded.request_hash, response = excluded.response,
    created_at = now(), expires_at = excluded.expires_at`);

/**
 * Does `work` once per key in 24 hours: its answer commits with its effect, and is given again to the same request. The answer
 * must survive JSON. Throws `idempotency_in_flight` while another transaction works on the key, and `idempotency_mismatch` when
 * the key was used for another request.
 */
export async function idempotent<T>(tx: Tx, request: IdempotentRequest, work: () => Promise<T>): Promise<T> {
  const id = [tx.tenant_id, request.user_id, request.method, request.key];
  const [lock] = await tx.read<{ is_mine: boolean }>(LOCK, [id.join('\n')]);
  if (!lock?.is_mine) throw new ProblemError('idempotency_in_flight');
  const [earlier] = await tx.read<{ request_hash: string; response: T }>(FIND, id);
  if (earlier && earlier.request_hash !== request.request_hash) throw new ProblemError('idempotency_mismatch');
  if (earlier) return earlier.response;
  const response = await work();
  await tx.write(STORE, [...id, request.request_hash, JSON.stringify(response ?? null)]);
  return response;
}
