import { Injectable } from '@nestjs/common';
import {
  found,
  notFound,
  ProblemError,
  type CreateProvider,
  type PageOf,
  type PageQuery,
  type Provider,
  type PutCredentials,
  type UpdateProvider,
} from '@taai/contracts';
import { audit, idAfter, RlsPool, toFittingPage, withTenant } from '@taai/entities';
import { SecretBox } from '@taai/platform';
import { DataSource } from 'typeorm';
import { ProviderConnector } from './provider-connector';
import { ProviderRepository } from './provider.repository';
import { TenantChanges } from '../cache/tenant-changes';
import { explainViolation } from '../explain-violation';

const taken = { providers_name_key: () => new ProblemError('slug_taken', 'Another provider has this name.') };
const inUse = {
  agents_provider_id_fkey: () => new ProblemError('conflict', 'Agents use this provider: give them another one first.'),
};
const unknown = { provider_credentials_provider_id_fkey: () => notFound('provider') };

@Injectable()
export class ProviderService {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
    private readonly providers: ProviderRepository,
    private readonly connector: ProviderConnector,
    private readonly secrets: SecretBox,
    private readonly changes: TenantChanges,
  ) {}

  async create(input: CreateProvider): Promise<Provider> {
    this.connector.vet(input.base_url);
    const provider = await withTenant(this.db, async (tx) => {
      const { id } = await explainViolation(this.providers.rows.insert(tx, input), taken);
      const after = found('provider', await this.providers.find(tx, id));
      await audit(tx, { action: 'provider.created', target: { type: 'provider', id }, after });
      return after;
    });
    await this.changes.announce();
    return provider;
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Provider>> {
    return toFittingPage(await this.providers.page(this.rls, idAfter(cursor), limit + 1), limit);
  }

  async get(id: string): Promise<Provider> {
    return found('provider', await this.providers.find(this.rls, id));
  }

  /** Another origin must not be sent the credentials that were stored for this one: they are dropped. */
  async update({ id, ...fields }: UpdateProvider): Promise<Provider> {
    this.connector.vet(fields.base_url);
    const provider = await withTenant(this.db, async (tx) => {
      const before = found('provider', await this.providers.lock(tx, id));
      if (fields.base_url !== undefined && originOf(fields.base_url) !== originOf(before.base_url)) {
        await this.providers.removeCredentials(tx, id);
      }
      await explainViolation(this.providers.rows.update(tx, { id }, fields), taken);
      const after = found('provider', await this.providers.find(tx, id));
      await audit(tx, { action: 'provider.updated', target: { type: 'provider', id }, before, after });
      return after;
    });
    await this.changes.announce();
    return provider;
  }

  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const before = found('provider', await this.providers.lock(tx, id));
      await explainViolation(this.providers.remove(tx, id), inUse);
      await audit(tx, { action: 'provider.deleted', target: { type: 'provider', id }, before });
    });
    await this.changes.announce();
  }

  async putCredentials({ id, api_key }: PutCredentials): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const sealed = this.secrets.seal({ tenant_id: tx.tenant_id, owner_id: id }, api_key);
      await explainViolation(this.providers.replaceCredentials(tx, id, sealed), unknown);
      await audit(tx, { action: 'provider.credentials_stored', target: { type: 'provider', id } });
    });
    await this.changes.announce();
  }
}

/** Scheme, host and port; null for the vendor's own. */
const originOf = (base_url: string | null) => base_url && new URL(base_url).origin;
