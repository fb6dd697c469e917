import { Injectable } from '@nestjs/common';
import type { ApiKey } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';

const columns = 'id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at';

const PAGE = sql(`
  select ${columns} from api_keys
  where revoked_at is null and ($1::uuid is null or id < $1) order by id desc limit $2`);

const COUNT = sql(`
  select count(*)::integer as count from api_keys
  where revoked_at is null and (expires_at is null or expires_at > now())`);

const FIND = sql(`select ${columns} from api_keys where id = $1 and revoked_at is null`);

const REVOKE = sql('update api_keys set revoked_at = now() where id = $1');

const INSERT = sql(`
  insert into api_keys (tenant_id, key_hash, ${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`);

/** The API keys that are not revoked. Revoked ones stay in the table, because the audit log names them, but are not found here. */
@Injectable()
export class ApiKeyRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Resolves to those before the id `after`, newest first. */
  page(after: string | undefined, limit: number): Promise<ApiKey[]> {
    return this.rls.read<ApiKey>(PAGE, [after ?? null, limit]);
  }

  /** Counts those that have not expired. */
  async countLiving(tx: Tx): Promise<number> {
    const [row] = await tx.read<{ count: number }>(COUNT);
    return row?.count ?? 0;
  }

  async insert(tx: Tx, key: ApiKey, key_hash: string): Promise<void> {
    const { id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at } = key;
    const row = [id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at];
    await tx.write(INSERT, [tx.tenant_id, key_hash, ...row]);
  }

  async find(tx: Tx, id: string): Promise<ApiKey | undefined> {
    const [key] = await tx.read<ApiKey>(FIND, [id]);
    return key;
  }

  async revoke(tx: Tx, id: string): Promise<void> {
    await tx.write(REVOKE, [id]);
  }
}
