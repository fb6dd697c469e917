import { Injectable } from '@nestjs/common';
import type { Provider, ProviderKind, CallSettings } from '@taai/contracts';
import { filtered, ProviderEntity, Rows, sql, type Reader, type Tx } from '@taai/entities';
import type { SealedSecret } from '@taai/platform';
import { v7 } from 'uuid';

const ROWS = new Rows(ProviderEntity, ['id']);

const SHOWN = `p.id, p.name, p.kind, p.base_url, p.priority, p.is_active, p.settings, p.created_at, p.updated_at,
  exists (select from provider_credentials c where (c.tenant_id, c.provider_id) = (p.tenant_id, p.id)) as has_credentials`;

/** A provider, and what it takes to call it. */
export interface ProviderRow {
  provider_id: string;
  name: string;
  kind: ProviderKind;
  base_url: string | null;
  is_active: boolean;
  settings: CallSettings;
  /** Null, like the ciphertext: there are no credentials. */
  credential_id: string | null;
  ciphertext: string | null;
}

const MOST = 1000;

const ALL = sql(`
  select p.id as provider_id, p.name, p.kind, p.base_url, p.is_active, p.settings, c.id as credential_id, c.ciphertext
  from providers p
  left join lateral (
    select id, ciphertext from provider_credentials c
    where (c.tenant_id, c.provider_id) = (p.tenant_id, p.id) order by c.id desc limit 1
  ) c on true
  order by p.priority, p.id limit ${MOST}`);

const FIND = sql(`select ${SHOWN} from providers p where p.id = $1`);
const REMOVE = sql('delete from providers where id = $1');
const REMOVE_CREDENTIALS = sql('delete from provider_credentials where provider_id = $1');

const INSERT_CREDENTIALS = sql(
  'insert into provider_credentials (tenant_id, id, provider_id, ciphertext, key_id) values ($1, $2, $3, $4, $5)',
);

const page = filtered<{ after?: string }>(
  `select ${SHOWN} from providers p where true`,
  { after: (id) => `p.id < ${id}` },
  'order by p.id desc limit $1',
);

@Injectable()
export class ProviderRepository {
  /** The ordinary statements on the table. They do not tell whether there are credentials. */
  readonly rows = ROWS;

  async find(db: Reader, id: string): Promise<Provider | undefined> {
    const [provider] = await db.read<Provider>(FIND, [id]);
    return provider;
  }

  /** Newest first. */
  page(db: Reader, after: string | undefined, limit: number): Promise<Provider[]> {
    return db.read<Provider>(...page({ after }, limit));
  }

  /** The provider, which nobody else changes, and whose credentials nobody else stores, until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<Provider | undefined> {
    await this.rows.lock(tx, { id });
    // By a statement of its own: it sees what the lock waited for, the credentials too.
    return this.find(tx, id);
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.write(REMOVE, [id]);
  }

  async replaceCredentials(tx: Tx, provider_id: string, { ciphertext, key_id }: SealedSecret): Promise<void> {
    await this.removeCredentials(tx, provider_id);
    await tx.write(INSERT_CREDENTIALS, [tx.tenant_id, v7(), provider_id, ciphertext, key_id]);
  }

  async removeCredentials(tx: Tx, provider_id: string): Promise<void> {
    await tx.write(REMOVE_CREDENTIALS, [provider_id]);
  }

  /** The first 1,000, in the order in which they are tried. */
  all(db: Reader): Promise<ProviderRow[]> {
    return db.read<ProviderRow>(ALL);
  }
}
