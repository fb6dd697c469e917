import { Injectable } from '@nestjs/common';
import { found, ProblemError, type Agent } from '@taai/contracts';
import { RlsPool, type Reader } from '@taai/entities';
import { AgentRepository } from './agent.repository';
import { TenantCache } from '../cache/tenant-cache';
import { TenantChanges } from '../cache/tenant-changes';

/** Finds agents of the caller's tenant, without asking the database each time. */
@Injectable()
export class AgentDirectory {
  private readonly cache: TenantCache<Agent>;

  constructor(
    private readonly rls: RlsPool,
    private readonly agents: AgentRepository,
    changes: TenantChanges,
  ) {
    this.cache = new TenantCache(changes);
  }

  /** Finds an agent, whether it is active or not. Throws `not_found`. */
  byId(id: string): Promise<Agent> {
    return this.cache.get(keyOf(id), () => this.read(this.rls, id));
  }

  /**
   * Finds an agent as the database has it: a change that was answered is never missed, however late this replica hears of it.
   * Nothing but the version is read while nothing has changed.
   */
  async current(db: Reader, id: string): Promise<Agent> {
    const version = found('agent', await this.agents.version(db, id));
    const get = () => this.cache.get(keyOf(id), () => this.read(db, id));
    const known = await get();
    if (known.version >= version) return known;
    this.cache.drop(keyOf(id));
    return get();
  }

  /** Finds an active agent. Throws `unknown_model`. */
  async bySlug(slug: string): Promise<Agent> {
    const agent = await this.cache.get(`slug:${slug}`, async () => {
      const named = await this.agents.rows.find(this.rls, { slug });
      return named ?? Promise.reject(unknown());
    });
    if (!agent.is_active) throw unknown();
    return agent;
  }

  private async read(db: Reader, id: string): Promise<Agent> {
    return found('agent', await this.agents.rows.find(db, { id }));
  }
}

const keyOf = (id: string): string => `id:${id}`;
const unknown = () => new ProblemError('unknown_model', 'There is no active agent of this name.');
