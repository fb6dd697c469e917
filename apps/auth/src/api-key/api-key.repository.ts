import { Injectable } from '@nestjs/common';
import type { ApiKey } from '@taai/contracts';
import { ApiKeyEntity, sql, type Tx } from '@taai/entities';

const columns = 'id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at';

const PAGE = sql(`
  select ${columns} from api_keys
  where revoked_at is null and ($1::uuid is null or id < $1) order by id desc limit $2`);

const COUNT = sql(`
  select count(*)::integer as count from api_keys
  where revoked_at is null and (expires_at is null or expires_at > now())`);

const REVOKE = sql(`
  with revoked as (update api_keys set revoked_at = now() where id = $1 and revoked_at is null returning *)
  select ${columns} from revoked`);

/** API keys that are not revoked: those are kept for the sake of what they did, and found by nothing here. */
@Injectable()
export class ApiKeyRepository {
  /** Newest first. */
  page(tx: Tx, after: string | undefined, limit: number): Promise<ApiKey[]> {
    return tx.query<ApiKey[]>(PAGE, [after ?? null, limit]);
  }

  /** Those that have not expired. */
  async countLiving(tx: Tx): Promise<number> {
    const [row] = await tx.query<[{ count: number }]>(COUNT);
    return row.count;
  }

  async insert(tx: Tx, key: ApiKey, key_hash: string): Promise<void> {
    await tx.insert(ApiKeyEntity, { ...key, tenant_id: tx.tenant_id, key_hash });
  }

  /** Resolves to the key; undefined when there was none to revoke. */
  async revoke(tx: Tx, id: string): Promise<ApiKey | undefined> {
    const [revoked] = await tx.query<ApiKey[]>(REVOKE, [id]);
    return revoked;
  }
}
