import { Injectable } from '@nestjs/common';
import {
  found,
  invalidField,
  ProblemError,
  type Agent,
  type CreateAgent,
  type PageOf,
  type PageQuery,
  type UpdateAgent,
} from '@taai/contracts';
import { audit, idAfter, RlsPool, toFittingPage, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { assertAgent } from './agent-rules';
import { AgentRepository } from './agent.repository';
import { TenantChanges } from '../cache/tenant-changes';
import { explainViolation } from '../explain-violation';

const refused = {
  agents_slug_key: () => new ProblemError('slug_taken', 'Another agent has this slug.'),
  agents_provider_id_fkey: () => invalidField('provider_id', 'does not exist'),
};

const needed = () => new ProblemError('conflict', 'The agent has runs or conversations: deactivate it instead.');
const inUse = { agent_runs_agent_id_fkey: needed, conversations_agent_id_fkey: needed };

@Injectable()
export class AgentService {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
    private readonly agents: AgentRepository,
    private readonly changes: TenantChanges,
  ) {}

  async create(input: CreateAgent): Promise<Agent> {
    const { user_id: created_by = null } = currentCaller();
    return withTenant(this.db, async (tx) => {
      await assertAgent(tx, this.agents, input);
      const after = await explainViolation(
        this.agents.rows.insert(tx, { automatic_titles: true, ...input, created_by }),
        refused,
      );
      await audit(tx, { action: 'agent.created', target: { type: 'agent', id: after.id }, after });
      return after;
    });
  }

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Agent>> {
    return toFittingPage(await this.agents.rows.page(this.rls, idAfter(cursor), limit + 1), limit);
  }

  async get(id: string): Promise<Agent> {
    return found('agent', await this.agents.rows.find(this.rls, { id }));
  }

  async update({ id, ...fields }: UpdateAgent): Promise<Agent> {
    const agent = await withTenant(this.db, async (tx) => {
      const before = found('agent', await this.agents.rows.lock(tx, { id }));
      await assertAgent(tx, this.agents, fields);
      const after = found('agent', await explainViolation(this.agents.rows.update(tx, { id }, fields), refused));
      await audit(tx, { action: 'agent.updated', target: { type: 'agent', id }, before, after });
      return after;
    });
    await this.changes.announce();
    return agent;
  }

  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      const before = found('agent', await this.agents.rows.lock(tx, { id }));
      await explainViolation(this.agents.remove(tx, id), inUse);
      await audit(tx, { action: 'agent.deleted', target: { type: 'agent', id }, before });
    });
    await this.changes.announce();
  }
}
