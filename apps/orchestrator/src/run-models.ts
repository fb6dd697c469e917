import { Injectable } from '@nestjs/common';
import { withTenant } from '@taai/entities';
import { FernetError } from '@taai/platform';
import { ProviderError } from '@taai/providers';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import type { Candidate } from './model-caller';
import { ProviderConnector, type Connection } from './provider-connector';
import { ProviderRepository } from './provider.repository';
import { RunFailure } from './run-failure';
import type { RunState } from './run.repository';

/** The models that may answer a run. */
@Injectable()
export class RunModels {
  constructor(
    private readonly db: DataSource,
    private readonly providers: ProviderRepository,
    private readonly connector: ProviderConnector,
  ) {}

  /** In the order in which they are tried. Throws RunFailure when there is none. */
  async candidatesOf({ provider_id, model, fallbacks = [] }: RunState): Promise<Candidate[]> {
    const wanted = [{ provider_id, model }, ...fallbacks];
    const found = await withTenant(this.db, async (tx) => {
      const connections = [];
      for (const { provider_id, model } of wanted) {
        const connection = await this.providers.connection(tx, provider_id);
        if (connection) connections.push({ connection, model });
      }
      return connections;
    });
    if (found.length === 0)
      throw new RunFailure('agent_not_ready', "The agent's provider is gone, inactive or has no credentials.");
    return found.map(({ connection, model }) => this.candidate(connection, model));
  }

  private candidate(connection: Connection, model: string): Candidate {
    const { provider_id, kind } = connection;
    try {
      const adapter = this.connector.connect(currentCaller().tenant_id, connection);
      return { provider_id, provider_name: '', credential_id: provider_id, kind, model, settings: {}, adapter };
    } catch (error) {
      if (error instanceof ProviderError) throw new RunFailure(error.code, error.message);
      if (!(error instanceof FernetError)) throw error;
      throw new RunFailure('agent_not_ready', "The provider's credentials cannot be decrypted: store them again.");
    }
  }
}
