import { Injectable } from '@nestjs/common';
import type { Agent, CreateAgent } from '@taai/contracts';
import { AgentEntity, type Tx } from '@taai/entities';
import { v7 } from 'uuid';

const columns = `id, name, slug, description, system_prompt, model, provider_id, fallbacks, temperature, max_output_tokens, max_steps,
  max_cost_micro_usd, tools, output_schema, variables, parameters, requires_approval, version, is_active, created_at, updated_at`;

type Fields = Pick<AgentEntity, keyof CreateAgent>;

@Injectable()
export class AgentRepository {
  async insert(tx: Tx, fields: Partial<Fields>, created_by: string | null): Promise<string> {
    const id = v7();
    await tx.insert(AgentEntity, { ...fields, id, tenant_id: tx.tenant_id, created_by });
    return id;
  }

  async find(tx: Tx, id: string): Promise<Agent | undefined> {
    const [agent] = await tx.query<Agent[]>(`select ${columns} from agents where id = $1`, [id]);
    return agent;
  }

  async version(tx: Tx, id: string): Promise<number | undefined> {
    const [agent] = await tx.query<Pick<Agent, 'version'>[]>('select version from agents where id = $1', [id]);
    return agent?.version;
  }

  async findBySlug(tx: Tx, slug: string): Promise<Agent | undefined> {
    const [agent] = await tx.query<Agent[]>(`select ${columns} from agents where slug = $1`, [slug]);
    return agent;
  }

  /** The agent, which nobody else changes until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<Agent | undefined> {
    const [agent] = await tx.query<Agent[]>(`select ${columns} from agents where id = $1 for update`, [id]);
    return agent;
  }

  /** Newest first. */
  page(tx: Tx, after: string | undefined, limit: number): Promise<Agent[]> {
    return tx.query<Agent[]>(
      `select ${columns} from agents where $1::uuid is null or id < $1 order by id desc limit $2`,
      [after ?? null, limit],
    );
  }

  /** At most 1,000, in the order of their names. */
  activeSlugs(tx: Tx): Promise<Pick<Agent, 'id' | 'slug'>[]> {
    return tx.query<Pick<Agent, 'id' | 'slug'>[]>(
      'select id, slug from agents where is_active order by slug limit 1000',
    );
  }

  async update(tx: Tx, id: string, fields: Partial<Fields>): Promise<void> {
    const change = { ...fields, version: () => 'version + 1', updated_at: () => 'now()' };
    await tx.update(AgentEntity, { id }, change);
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.delete(AgentEntity, { id });
  }
}
