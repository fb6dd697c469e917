import { Injectable } from '@nestjs/common';
import type { Provider, ProviderKind, ProviderSettings } from '@taai/contracts';
import { ProviderCredentialEntity, ProviderEntity, type Tx } from '@taai/entities';
import type { SealedSecret } from '@taai/platform';
import { v7 } from 'uuid';

const columns = `p.id, p.name, p.kind, p.base_url, p.priority, p.is_active, p.settings, p.created_at, p.updated_at,
  exists (select from provider_credentials c where (c.tenant_id, c.provider_id) = (p.tenant_id, p.id)) as has_credentials`;

/** A provider, and what it takes to call it. */
export interface ProviderRow {
  provider_id: string;
  name: string;
  kind: ProviderKind;
  base_url: string | null;
  is_active: boolean;
  settings: ProviderSettings;
  /** Null, like the ciphertext: there are no credentials. */
  credential_id: string | null;
  ciphertext: string | null;
}

const MOST = 1000;

const all = `
  select p.id as provider_id, p.name, p.kind, p.base_url, p.is_active, p.settings, c.id as credential_id, c.ciphertext
  from providers p
  left join lateral (
    select id, ciphertext from provider_credentials c
    where (c.tenant_id, c.provider_id) = (p.tenant_id, p.id) order by c.id desc limit 1
  ) c on true
  order by p.priority, p.id limit ${MOST}`;

type Fields = Pick<ProviderEntity, 'name' | 'kind' | 'base_url' | 'priority' | 'is_active' | 'settings'>;

@Injectable()
export class ProviderRepository {
  async insert(tx: Tx, fields: Partial<Fields>): Promise<string> {
    const id = v7();
    await tx.insert(ProviderEntity, { ...fields, id, tenant_id: tx.tenant_id });
    return id;
  }

  async find(tx: Tx, id: string): Promise<Provider | undefined> {
    const [provider] = await tx.query<Provider[]>(`select ${columns} from providers p where p.id = $1`, [id]);
    return provider;
  }

  /** Newest first. */
  page(tx: Tx, after: string | undefined, limit: number): Promise<Provider[]> {
    return tx.query<Provider[]>(
      `select ${columns} from providers p where $1::uuid is null or p.id < $1 order by p.id desc limit $2`,
      [after ?? null, limit],
    );
  }

  /** The provider, which nobody else changes, and whose credentials nobody else stores, until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<Provider | undefined> {
    await tx.query('select from providers where id = $1 for update', [id]);
    // By a statement of its own: it sees what the lock waited for, the credentials too.
    return this.find(tx, id);
  }

  async update(tx: Tx, id: string, fields: Partial<Fields>): Promise<void> {
    await tx.update(ProviderEntity, { id }, { ...fields, updated_at: () => 'now()' });
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.delete(ProviderEntity, { id });
  }

  async replaceCredentials(tx: Tx, provider_id: string, sealed: SealedSecret): Promise<void> {
    await this.removeCredentials(tx, provider_id);
    await tx.insert(ProviderCredentialEntity, { ...sealed, id: v7(), tenant_id: tx.tenant_id, provider_id });
  }

  async removeCredentials(tx: Tx, provider_id: string): Promise<void> {
    await tx.delete(ProviderCredentialEntity, { provider_id });
  }

  /** The id of the provider named, or else of the active one that is tried first; only of one with credentials. */
  async ready(tx: Tx, provider_id: string | null): Promise<string | undefined> {
    const [provider] = await tx.query<{ id: string }[]>(
      `select p.id from providers p
       where p.is_active and ($1::uuid is null or p.id = $1)
         and exists (select from provider_credentials c where (c.tenant_id, c.provider_id) = (p.tenant_id, p.id))
       order by p.priority, p.id limit 1`,
      [provider_id],
    );
    return provider?.id;
  }

  /** The first 1,000, in the order in which they are tried. */
  all(tx: Tx): Promise<ProviderRow[]> {
    return tx.query<ProviderRow[]>(all);
  }
}
