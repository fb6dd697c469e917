import { Injectable } from '@nestjs/common';
import {
  found,
  notFound,
  ProblemError,
  type Agent,
  type CreateAgent,
  type PageOf,
  type PageQuery,
  type UpdateAgent,
} from '@taai/contracts';
import { idAfter, once, toFittingPage, withTenant } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { AgentRepository } from './agent.repository';
import { explain } from './violations';

const refused = {
  agents_slug_key: () => new ProblemError('slug_taken', 'Another agent has this slug.'),
  agents_provider_id_fkey: () =>
    new ProblemError('validation_failed', undefined, {
      errors: [{ path: 'provider_id', message: 'There is no such provider.' }],
    }),
};

const needed = () => new ProblemError('conflict', 'The agent has runs or conversations: deactivate it instead.');
const inUse = { agent_runs_agent_id_fkey: needed, conversations_agent_id_fkey: needed };

@Injectable()
export class AgentService {
  constructor(
    private readonly db: DataSource,
    private readonly agents: AgentRepository,
  ) {}

  async create(input: CreateAgent): Promise<Agent> {
    const { user_id = null } = currentCaller();
    return withTenant(this.db, (tx) =>
      once(tx, 'orchestrator.agent.create', input, async () => {
        const id = await explain(this.agents.insert(tx, input, user_id), refused);
        return found('agent', await this.agents.find(tx, id));
      }),
    );
  }

  async list({ limit = 20, cursor }: PageQuery): Promise<PageOf<Agent>> {
    const after = idAfter(cursor);
    const rows = await withTenant(this.db, (tx) => this.agents.page(tx, after, limit + 1));
    return toFittingPage(rows, limit);
  }

  async get(id: string): Promise<Agent> {
    return found('agent', await withTenant(this.db, (tx) => this.agents.find(tx, id)));
  }

  async update({ id, ...fields }: UpdateAgent): Promise<Agent> {
    return withTenant(this.db, async (tx) => {
      await explain(this.agents.update(tx, id, fields), refused);
      return found('agent', await this.agents.find(tx, id));
    });
  }

  async remove(id: string): Promise<void> {
    const removed = await withTenant(this.db, (tx) => explain(this.agents.remove(tx, id), inUse));
    if (!removed) throw notFound('agent');
  }
}
