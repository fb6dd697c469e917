import { Injectable } from '@nestjs/common';
import type { Agent } from '@taai/contracts';
import { AgentEntity, Rows, sql, type Reader, type Tx } from '@taai/entities';

const ROWS = new Rows(
  AgentEntity,
  [
    'id',
    'name',
    'slug',
    'description',
    'system_prompt',
    'model',
    'provider_id',
    'fallbacks',
    'temperature',
    'max_output_tokens',
    'max_steps',
    'max_cost_micro_usd',
    'tools',
    'output_schema',
    'variables',
    'parameters',
    'requires_approval',
    'separate_approver',
    'concurrent_turns',
    'automatic_titles',
    'title_model',
    'context_messages',
    'context_tokens',
    'summarize',
    'version',
    'is_active',
    'created_at',
    'updated_at',
  ],
  'version = version + 1, updated_at = now()',
);

const VERSION = sql('select version from agents where id = $1');
const ACTIVE_SLUGS = sql('select id, slug from agents where is_active order by slug limit 1000');
const REMOVE = sql('delete from agents where id = $1');
const TOOL_NAMES = sql('select name from tools where name = any($1) for key share');
const PROVIDER_IDS = sql('select id from providers where id = any($1::uuid[])');

@Injectable()
export class AgentRepository {
  /** The ordinary statements. An update counts the version up. */
  readonly rows = ROWS;

  async version(db: Reader, id: string): Promise<number | undefined> {
    const [agent] = await db.read<Pick<Agent, 'version'>>(VERSION, [id]);
    return agent?.version;
  }

  /** At most 1,000, in the order of their names. */
  activeSlugs(db: Reader): Promise<Pick<Agent, 'id' | 'slug'>[]> {
    return db.read<Pick<Agent, 'id' | 'slug'>>(ACTIVE_SLUGS);
  }

  async remove(tx: Tx, id: string): Promise<void> {
    await tx.write(REMOVE, [id]);
  }

  /** Those of the names that tools have. The tools keep them until the transaction ends. */
  async toolNames(tx: Tx, names: readonly string[]): Promise<string[]> {
    const tools = await tx.read<{ name: string }>(TOOL_NAMES, [names]);
    return tools.map(({ name }) => name);
  }

  /** Those of the ids that providers have. */
  async providerIds(tx: Tx, ids: readonly string[]): Promise<string[]> {
    const providers = await tx.read<{ id: string }>(PROVIDER_IDS, [ids]);
    return providers.map(({ id }) => id);
  }
}
