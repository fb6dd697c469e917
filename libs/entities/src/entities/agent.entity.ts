import {
  concurrentTurns,
  limits,
  type ConcurrentTurnsPolicy,
  type Fallback,
  type SamplingParameters,
} from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { BigIntColumn, type JsonObject, oneOf, TenantRow, TimestamptzNow } from './columns';
import { ProviderEntity } from './provider.entity';
import { TenantEntity } from './tenant.entity';

@Entity('agents')
@Unique('agents_slug_key', ['tenant_id', 'slug'])
@Index('idx_active_agents', ['tenant_id', 'id'], { where: 'is_active' })
@Index('idx_agents_provider', ['tenant_id', 'provider_id'])
@Check('agents_concurrent_turns_check', oneOf('concurrent_turns', concurrentTurns))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
@ForeignKey(() => ProviderEntity, ['tenant_id', 'provider_id'], ['tenant_id', 'id'])
export class AgentEntity extends TenantRow {
  @Column('text')
  name: string;

  /** Names the agent in `agent:slug`. */
  @Column('text')
  slug: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('text')
  system_prompt: string;

  @Column('text')
  model: string;

  /** The provider; null means the active one with the lowest priority. */
  @Column('uuid', { nullable: true })
  provider_id: string | null;

  @Column('jsonb', { default: [] })
  fallbacks: Fallback[];

  @Column('double precision', { nullable: true })
  temperature: number | null;

  @Column('integer', { nullable: true })
  max_output_tokens: number | null;

  /** How many model calls a run makes at most; null means the platform's default. */
  @Column('integer', { nullable: true })
  max_steps: number | null;

  /** The names of the tools that the agent may call. */
  @Column('text', { array: true, default: [] })
  tools: string[];

  /** JSON schema that the answer must fit. */
  @Column('jsonb', { nullable: true })
  output_schema: JsonObject | null;

  /** The values of `{{name}}` in the system prompt; null means that a run must bring one. */
  @Column('jsonb', { default: {} })
  variables: Record<string, string | null>;

  @Column('jsonb', { default: {} })
  parameters: SamplingParameters;

  /** Whether every tool call waits for a person. */
  @Column('boolean', { default: false })
  requires_approval: boolean;

  /** Whether who started a run may not approve its tool calls. */
  @Column('boolean', { default: false })
  separate_approver: boolean;

  /** What becomes of a message while the one before is still being answered. */
  @Column('text', { default: 'parallel' })
  concurrent_turns: ConcurrentTurnsPolicy;

  /** Whether conversations without a title get one by a small call of a model. */
  @Column('boolean', { default: false })
  automatic_titles: boolean;

  /** The model that finds titles; null: the agent's own. */
  @Column('jsonb', { nullable: true })
  title_model: Fallback | null;
  /** Messages of a conversation that the agent is shown. */
  @Column('integer', { default: limits.defaultContextMessages })
  context_messages: number;

  /** Tokens of a conversation that the agent is shown; null means what its model's window leaves. */
  @Column('integer', { nullable: true })
  context_tokens: number | null;

  /** Whether what falls out of the context is summarized. */
  @Column('boolean', { default: false })
  summarize: boolean;

  /** The most that a run may cost; null means no limit of the agent's own. */
  @BigIntColumn({ nullable: true })
  max_cost_micro_usd: number | null;

  /** Grows with every change. */
  @Column('integer', { default: 1 })
  version: number;

  @Column('boolean', { default: true })
  is_active: boolean;

  @Column('uuid', { nullable: true })
  created_by: string | null;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
