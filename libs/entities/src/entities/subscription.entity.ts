import type { TenantLimits } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { oneOf, TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { PlanEntity } from './plan.entity';
import { TenantEntity } from './tenant.entity';

const subscriptionStatuses = ['active', 'cancelled', 'ended'] as const;
type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** At most one that has not ended per tenant; the ended ones are its history. */
@Entity('subscriptions')
@Index('subscriptions_current_key', ['tenant_id'], { unique: true, where: "status <> 'ended'" })
@Check('subscriptions_status_check', oneOf('status', subscriptionStatuses))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class SubscriptionEntity extends TenantRow {
  @ForeignKey(() => PlanEntity)
  @Column('text')
  plan_id: string;

  /** `cancelled` still runs to the end of its period. */
  @Column('text', { default: 'active' })
  status: SubscriptionStatus;

  /** What the tenant is allowed instead of what its plan says; operators set it. */
  @Column('jsonb', { default: {} })
  limits: Partial<TenantLimits>;

  @Timestamptz()
  current_period_start: Date;

  /** Null: it goes on until it is cancelled. */
  @Timestamptz({ nullable: true })
  current_period_end: Date | null;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
