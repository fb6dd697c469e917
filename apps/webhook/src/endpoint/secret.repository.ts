import { Injectable } from '@nestjs/common';
import type { SecretRef } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import type { SealedSecret, SecretStore } from '@taai/platform';
import { DataSource } from 'typeorm';

const KEY_IDS = sql('select key_id from webhook_key_ids()');

const STALE = sql('select tenant_id, id from stale_webhook_secrets($1, $2, $3, $4)');

const COUNT_STALE = sql('select count(*)::int as count from stale_webhook_secrets($1, $2, $3, $4)');

const FIND = sql(`
  select id as owner_id, secret_ciphertext as ciphertext from webhooks
  where id = $1 and secret_key_id is distinct from $2`);

const REPLACE = sql(`
  update webhooks set secret_ciphertext = $3, secret_key_id = $4
  where id = $1 and secret_ciphertext = $2 returning id`);

/** Webhooks' signing secrets, as those who change encryption keys see them. */
@Injectable()
export class SecretRepository implements SecretStore {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  async keyIds(): Promise<(string | null)[]> {
    const rows = await this.db.query<{ key_id: string | null }[]>(KEY_IDS);
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
