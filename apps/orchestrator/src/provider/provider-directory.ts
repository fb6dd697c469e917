import { Injectable } from '@nestjs/common';
import { found, ProblemError, type ProviderKind } from '@taai/contracts';
import { RlsPool, type Reader, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { KnownProvider, type OpenProvider } from './known-provider';
import type { Candidate } from '../model/candidate';
import { ProviderConnector } from './provider-connector';
import { ProviderRepository } from './provider.repository';
import { TenantCache } from '../cache/tenant-cache';
import { TenantChanges } from '../cache/tenant-changes';

/** A model that somebody chose. */
export interface Choice {
  /** Null: the active provider with credentials that is tried first. */
  provider_id: string | null;
  model: string;
}

/** The cache has one value per tenant: all its providers. */
const CACHED = 'providers';

/**
 * Finds the providers that the caller's tenant can call now, without asking the database each time. Whether a provider has a model, only
 * the provider knows.
 */
@Injectable()
export class ProviderDirectory {
  private readonly cache: TenantCache<KnownProvider[]>;

  constructor(
    private readonly rls: RlsPool,
    private readonly providers: ProviderRepository,
    private readonly connector: ProviderConnector,
    changes: TenantChanges,
  ) {
    this.cache = new TenantCache(changes);
  }

  /** Resolves to the choices that can be called, in their order. Throws what `byId` throws when none can be. */
  async candidates(choices: readonly Choice[]): Promise<Candidate[]> {
    const outcomes = await Promise.allSettled(choices.map((choice) => this.byId(choice)));
    const ready = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    if (ready.length === 0 && refused) throw refused.reason;
    return ready;
  }

  /** Finds the model that was chosen. Throws `agent_not_ready`. */
  async byId({ provider_id, model }: Choice): Promise<Candidate> {
    const provider = chosen(await this.known(), provider_id);
    if (provider) return { ...provider.open('agent_not_ready'), model };
    throw notReady(provider_id);
  }

  /**
   * Resolves to the id of the provider that was chosen. Only a call tells whether its credentials are any good. Before it refuses, it reads
   * anew in the transaction: another replica may have answered a change that this one has yet to hear of. Throws `agent_not_ready`.
   */
  async readyId(tx: Tx, provider_id: string | null): Promise<string> {
    const find = async () => chosen(await this.cache.get(CACHED, () => this.read(tx)), provider_id)?.row.provider_id;
    const known = await find();
    if (known) return known;
    this.cache.drop(CACHED);
    const found = await find();
    if (found) return found;
    throw notReady(provider_id);
  }

  /** Whose format the provider that was chosen speaks; undefined when it cannot be called, as far as is known here. */
  async kindOf(provider_id: string | null): Promise<ProviderKind | undefined> {
    return chosen(await this.known(), provider_id)?.row.kind;
  }

  /** Finds a model by its name, `provider/model`. Throws `unknown_model`. */
  async byName(name: string): Promise<Candidate> {
    const [, provider_name, model] = /^([^/]+)\/(.+)$/s.exec(name) ?? [];
    const provider = (await this.ready()).find(({ row }) => row.name === provider_name);
    if (provider && model) return { ...provider.open('unknown_model'), model };
    throw new ProblemError('unknown_model', 'A model is named provider/model, by an active provider with credentials.');
  }

  /** Resolves to all providers that can be called, in the order in which they are tried. */
  async active(): Promise<OpenProvider[]> {
    return (await this.ready()).flatMap((provider) => {
      try {
        return [provider.open('provider_not_ready')];
      } catch (error) {
        if (error instanceof ProblemError) return [];
        throw error;
      }
    });
  }

  /** Opens a provider, whether it is active or not. Throws `not_found`, and `provider_not_ready` when there is nothing to call it with. */
  async open(id: string): Promise<OpenProvider> {
    const known = (await this.known()).find(({ row }) => row.provider_id === id);
    return found('provider', known).open('provider_not_ready');
  }

  private async ready(): Promise<KnownProvider[]> {
    return (await this.known()).filter(({ isReady }) => isReady);
  }

  private known(): Promise<KnownProvider[]> {
    return this.cache.get(CACHED, () => this.read(this.rls));
  }

  private async read(db: Reader): Promise<KnownProvider[]> {
    const { tenant_id } = currentCaller();
    const rows = await this.providers.all(db);
    return rows.map((row) => new KnownProvider(row, tenant_id, this.connector));
  }
}

/** The provider with this id, if it is ready; with null, the first one that is ready. */
const chosen = (known: readonly KnownProvider[], provider_id: string | null): KnownProvider | undefined =>
  known.find(({ row, isReady }) => isReady && (provider_id === null || row.provider_id === provider_id));

const notReady = (provider_id: string | null): ProblemError =>
  new ProblemError(
    'agent_not_ready',
    provider_id
      ? "The agent's provider is not active or has no credentials."
      : 'There is no active provider with credentials.',
  );
