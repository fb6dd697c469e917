import { usageStatuses, type UsageStatus } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { BigIntColumn, oneOf, Timestamptz, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

/**
 * The ledger: one row per provider call, partitioned by month of `occurred_at`. Tokens stand in disjoint buckets whose sum
 * is the provider's total; null means that the provider did not say.
 */
@Entity('usage_records')
@Index('idx_usage_tenant_date', ['tenant_id', 'occurred_at'])
@Index('idx_usage_run', ['tenant_id', 'run_id'], { where: 'run_id is not null' })
@Index('idx_usage_open', ['occurred_at'], { where: "status = 'open'" })
@Check('usage_records_status_check', oneOf('status', usageStatuses))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class UsageRecordEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  /** UUIDv7, minted before the provider is called. */
  @PrimaryColumn('uuid')
  call_id: string;

  /** The time that `call_id` was minted at. */
  @PrimaryColumn('timestamptz')
  occurred_at: Date;

  @Column('text')
  status: UsageStatus;

  /** `chat`, `embedding`, … */
  @Column('text')
  kind: string;

  @Column('uuid', { nullable: true })
  provider_id: string | null;

  @Column('text')
  provider_kind: string;

  @Column('text')
  model: string;

  @Column('uuid', { nullable: true })
  agent_id: string | null;

  @Column('uuid', { nullable: true })
  run_id: string | null;

  /** The step of the run: 1, 2, … */
  @Column('integer', { nullable: true })
  step: number | null;

  @Column('uuid', { nullable: true })
  user_id: string | null;

  @Column('uuid', { nullable: true })
  api_key_id: string | null;

  @Column('uuid', { nullable: true })
  conversation_id: string | null;

  @BigIntColumn({ nullable: true })
  input_tokens: number | null;

  @BigIntColumn({ nullable: true })
  cache_read_tokens: number | null;

  @BigIntColumn({ nullable: true })
  cache_write_tokens: number | null;

  @BigIntColumn({ nullable: true })
  output_tokens: number | null;

  @BigIntColumn({ nullable: true })
  reasoning_tokens: number | null;

  /** Null: no price is known for the model. */
  @BigIntColumn({ nullable: true })
  cost_micro_usd: number | null;

  /** The price row that the cost was computed from. */
  @Column('uuid', { nullable: true })
  price_id: string | null;

  /** Whether the tokens were counted by us, because the provider sent none. */
  @Column('boolean', { default: false })
  is_estimated: boolean;

  @Column('text', { nullable: true })
  error_code: string | null;

  @Column('integer', { nullable: true })
  latency_ms: number | null;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz({ nullable: true })
  closed_at: Date | null;
}
