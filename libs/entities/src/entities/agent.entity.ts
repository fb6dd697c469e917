import { Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { type JsonObject, TenantRow, TimestamptzNow } from './columns';
import { ProviderEntity } from './provider.entity';
import { TenantEntity } from './tenant.entity';

/** What is tried next when the model before it fails. */
interface Fallback {
  provider_id: string;
  model: string;
}

@Entity('agents')
@Unique('agents_slug_key', ['tenant_id', 'slug'])
@Index('idx_active_agents', ['tenant_id', 'id'], { where: 'is_active' })
@Index('idx_agents_provider', ['tenant_id', 'provider_id'])
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

  /** Null: the active provider with the lowest priority. */
  @Column('uuid', { nullable: true })
  provider_id: string | null;

  @Column('jsonb', { default: [] })
  fallbacks: Fallback[];

  @Column('double precision', { nullable: true })
  temperature: number | null;

  @Column('integer', { nullable: true })
  max_output_tokens: number | null;

  /** Model calls of one run; null: the platform's default. */
  @Column('integer', { nullable: true })
  max_steps: number | null;

  /** Names of tools. */
  @Column('text', { array: true, default: [] })
  tools: string[];

  /** JSON schema that the answer must fit. */
  @Column('jsonb', { nullable: true })
  output_schema: JsonObject | null;

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
