import { Injectable } from '@nestjs/common';
import type { SecretRef } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import type { SealedSecret, SecretStore } from '@taai/platform';
import { DataSource } from 'typeorm';

const KEY_IDS = sql('select key_id from credential_key_ids()');
const STALE = sql('select tenant_id, id from stale_credentials($1, $2, $3, $4)');
const COUNT_STALE = sql('select count(*)::int as count from stale_credentials($1, $2, $3, $4)');

const FIND = sql(`
  select provider_id as owner_id, ciphertext from provider_credentials where id = $1 and key_id <> $2
  union all
  select id, secret_ciphertext from tools where id = $1 and secret_key_id <> $2`);

const REPLACE = sql(`
  with credentials as (
    update provider_credentials set ciphertext = $3, key_id = $4 where id = $1 and ciphertext = $2 returning id
  ), headers as (
    update tools set secret_ciphertext = $3, secret_key_id = $4 where id = $1 and secret_ciphertext = $2 returning id
  )
  select id from credentials union all select id from headers`);

/** Providers' credentials and tools' secret headers, as those who change encryption keys see them. */
@Injectable()
export class SecretRepository implements SecretStore {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  async keyIds(): Promise<string[]> {
    const rows = await this.db.query<{ key_id: string }[]>(KEY_IDS);
    return rows.map(({ key_id }) => key_id);
  }

  stale(key_id: string, { tenant_id, id }: SecretRef, limit: number): Promise<SecretRef[]> {
    return this.db.query<SecretRef[]>(STALE, [key_id, tenant_id, id, limit]);
  }

  async countStale(key_id: string, { tenant_id, id }: SecretRef, limit: number): Promise<number> {
    const [{ count }] = await this.db.query<[{ count: number }]>(COUNT_STALE, [key_id, tenant_id, id, limit]);
    return count;
  }

  async find({ tenant_id, id }: SecretRef, key_id: string) {
    const [row] = await this.rls.queryFor<{ owner_id: string; ciphertext: string }>(tenant_id, FIND, [id, key_id]);
    return row;
  }

  async replace({ tenant_id, id }: SecretRef, ciphertext: string, sealed: SealedSecret): Promise<boolean> {
    const values = [id, ciphertext, sealed.ciphertext, sealed.key_id];
    const rows = await this.rls.queryFor(tenant_id, REPLACE, values);
    return rows.length === 1;
  }
}
