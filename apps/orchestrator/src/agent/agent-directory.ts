import { Injectable } from '@nestjs/common';
import { found, ProblemError, type Agent } from '@taai/contracts';
import { withTenant } from '@taai/entities';
import { DataSource } from 'typeorm';
import { AgentRepository } from './agent.repository';
import { TenantCache } from '../tenant-cache';
import { TenantChanges } from '../tenant-changes';

/** The agents of the caller's tenant, without asking the database each time. */
@Injectable()
export class AgentDirectory {
  private readonly cache: TenantCache<Agent>;

  constructor(
    private readonly db: DataSource,
    private readonly agents: AgentRepository,
    changes: TenantChanges,
  ) {
    this.cache = new TenantCache(changes);
  }

  /** Also one that is not active. Throws `not_found`. */
  byId(id: string): Promise<Agent> {
    return this.cache.get(`id:${id}`, async () =>
      found('agent', await withTenant(this.db, (tx) => this.agents.find(tx, id))),
    );
  }

  /** Only an active one. Throws `unknown_model`. */
  async bySlug(slug: string): Promise<Agent> {
    const agent = await this.cache.get(`slug:${slug}`, async () => {
      const named = await withTenant(this.db, (tx) => this.agents.findBySlug(tx, slug));
      return named ?? Promise.reject(unknown());
    });
    if (!agent.is_active) throw unknown();
    return agent;
  }
}

const unknown = () => new ProblemError('unknown_model', 'There is no active agent of this name.');
